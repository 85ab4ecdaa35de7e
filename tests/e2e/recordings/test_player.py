"""The player of a recording in a browser: boxes, lanes, and a run that grows."""

import random
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from contracts.runs import RunState
from contracts.times import to_micros, utc_now
from records.tables.runs import Run
from tests.e2e.commands import TIMEOUT_S, poll
from tests.e2e.recordings.library import HAPPY, Library, add_frames, write_faces
from tests.history import write_history_run
from tests.media import VideoSpec, write_video
from tests.rows import write_run

SHOWN_AT = """async ([times_s, timeout_ms]) => {
  const video = document.querySelector("video"), canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  const shown = () => {
    ink.drawImage(video, 0, 0);
    let number = 0;
    for (let bit = 0; bit < 12; bit += 1) {
      const [column, row] = [bit % 4 + 0.5, Math.floor(bit / 4) + 0.5];
      const [x, y] = [column * canvas.width / 4, row * canvas.height / 3];
      number |= (ink.getImageData(x, y, 1, 1).data[0] > 128) << bit;
    }
    const box = document.querySelector(".overlay .face-box");
    return [number, box ? Math.round(parseFloat(box.style.left) * 10) : null];
  };
  const pictures = [];
  for (const time_s of times_s) {
    const begin_ms = performance.now();
    video.currentTime = time_s;
    for (;;) {
      await new Promise(requestAnimationFrame);
      const [picture, box] = shown();
      if (!video.seeking && box === (picture % 8 === 3 ? null : picture)) {
        pictures.push(picture);
        break;
      }
      if (performance.now() - begin_ms > timeout_ms) throw Error(`${time_s} ${picture} ${box}`);
    }
  }
  return pictures;
}"""
"""Seek to each time; wait until the box stands for the number that the shown picture encodes.

Every eighth picture has no box. Return the numbers.
"""


def uneven(count: int) -> list[int]:
    """Times of frames 8 to 120 ms apart, in microseconds."""
    times, at = [], 0
    for number in range(count):
        times.append(at * 1000)
        at += (8, 17, 9, 120, 8, 33, 16, 70)[number % 8]
    return times


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_boxes_match_the_shown_picture_at_uneven_frame_intervals(
    page: Page, library: Library, tmp_path: Path, suffix: str
) -> None:
    times = uneven(64)
    clip = tmp_path / f"uneven.{suffix}"
    write_video(clip, times, VideoSpec(b_frames=0, gop=16))
    frames = {at: [number] if number % 8 != 3 else [] for number, at in enumerate(times)}
    write_faces(library.engine, "uneven", frames)
    library.set_recording("uneven", clip)
    page.goto(f"{library.address}/recordings/uneven")
    poll(lambda: bool(page.evaluate("document.querySelector('video')?.readyState >= 2")))
    expect(page.locator(".overlay .face-box")).to_have_count(1)
    seeks_us = [
        at_us
        for begin, end in pairwise(times[1:])
        for at_us in (begin + 1000, (begin + end) // 2, end - 1000)
    ]
    pictures = page.evaluate(SHOWN_AT, [[at / 1e6 for at in seeks_us], TIMEOUT_S * 1000])
    assert len(pictures) == 3 * 62
    assert len(set(pictures)) > 40, "the picture must change"


def test_many_faces_are_shown_to_the_end_of_the_recording(page: Page, library: Library) -> None:
    crowd = {number * 33_333: [100 * track for track in range(1, 9)] for number in range(600)}
    write_faces(library.engine, "crowd", crowd)
    page.goto(f"{library.address}/recordings/crowd")
    expect(page.locator(".now-faces")).to_contain_text("4 more in view")
    page.get_by_label("Position in the recording").fill("19.52")
    expect(page.locator(".at")).to_contain_text("00:19 of")
    expect(page.locator(".now-face")).to_have_count(4)
    page.get_by_label("Position in the recording").fill("0")
    expect(page.locator(".now-faces")).to_contain_text("4 more in view")


def test_the_lanes_of_a_long_run_show_their_resolution(
    page: Page, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_history_run(
        library.engine, "hours.mp4", to_micros(utc_now()), 300, random.Random(1)
    )
    page.goto(f"{library.address}/recordings/{run.run_id}")
    expect(page.locator(".lane-name").first).to_be_visible()
    coarse = page.get_by_text("The run is long")
    expect(coarse).to_be_hidden()
    monkeypatch.setattr("analytics.runs.track_timelines.MAX_ROWS", 10)
    page.reload()
    expect(coarse).to_contain_text("each 1 s of a lane has the label shown longest")


def test_a_growing_run_updates_the_page_in_place(
    page: Page, library: Library, long_clip: Path
) -> None:
    run_pk = write_run(
        library.engine, "going", {n: [HAPPY] for n in range(50)}, state=RunState.RUNNING
    )
    library.set_recording("going", long_clip)
    page.goto(f"{library.address}/recordings/going")
    expect(page.locator(".run-facts")).to_contain_text("Being analysed")
    poll(lambda: bool(page.evaluate("document.querySelector('video')?.readyState >= 2")))
    page.evaluate("document.querySelector('video').id = 'mine'")
    slider = page.get_by_label("Position in the recording")
    slider.fill("2.4")
    slider.focus()
    expect(page.locator(".lane")).to_have_count(3)
    with library.engine.begin() as connection:
        times_us = {index: index * 100_000 for index in range(50, 100)}
        add_frames(connection, run_pk, times_us, {at_us: [100, 200] for at_us in times_us.values()})
        connection.execute(update(Run).values(state=RunState.DONE, duration_us=10_000_000))
    expect(page.locator(".lane")).to_have_count(4)
    expect(page.locator(".run-facts")).not_to_contain_text("Being analysed")
    expect(slider).to_be_focused()
    expect(slider).to_have_attribute("max", "10")
    video = page.locator("video")
    expect(video).to_have_id("mine")
    assert abs(video.evaluate("video => video.currentTime") - 2.4) < 0.01
    slider.fill("6")
    expect(page.locator(".overlay .face-box")).to_have_count(2)
