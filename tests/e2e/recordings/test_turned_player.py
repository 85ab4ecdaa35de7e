"""The player of a recording that was turned or mirrored: the video is shown as it was read."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from contracts.analysis_spec import AnalysisOptions
from records.json_columns import RunOptions, encode_file_run_options
from records.tables.runs import Run
from tests.e2e.commands import poll
from tests.e2e.recordings.library import Library, write_faces
from tests.media import SoundSpec, write_coloured_video

SIZE = (160, 120)
# Where the corner of the stored video is shown that has its first pixel, in shares of the player.
PLACE = """() => {
  const video = document.querySelector("video"), box = video.parentElement.getBoundingClientRect();
  const matrix = new DOMMatrix(getComputedStyle(video).transform);
  const [width, height] = [video.offsetWidth, video.offsetHeight];
  const corner = matrix.transformPoint(new DOMPoint(-width / 2, -height / 2));
  const x = video.offsetLeft + width / 2 + corner.x, y = video.offsetTop + height / 2 + corner.y;
  return {
    x: Math.round(100 * x / box.width),
    y: Math.round(100 * y / box.height),
    ratio: Math.round(100 * box.width / box.height),
  };
}"""


@pytest.mark.parametrize(
    ("turn", "place"),
    [
        ((0, True), {"x": 100, "y": 0, "ratio": 133}),
        ((90, False), {"x": 100, "y": 0, "ratio": 75}),
        ((180, False), {"x": 100, "y": 100, "ratio": 133}),
        ((270, True), {"x": 100, "y": 100, "ratio": 75}),
    ],
)
def test_a_video_is_shown_turned_with_a_button_to_play_it(
    page: Page, library: Library, tmp_path: Path, turn: tuple[int, bool], place: dict[str, int]
) -> None:
    clip = tmp_path / "clip.mp4"
    write_coloured_video(clip, [(200, 40, 40)], size=SIZE, sound=SoundSpec(codec=None))
    write_faces(library.engine, "turned", {number * 40_000: [100] for number in range(50)})
    library.set_recording("turned", clip)
    options = AnalysisOptions(0.4, None, 24, 640, rotate=turn[0], mirror=turn[1])
    with library.engine.begin() as connection:
        connection.execute(update(Run).values(options=encode_file_run_options(RunOptions(options))))
    page.goto(f"{library.address}/recordings/turned")
    poll(lambda: bool(page.evaluate("document.querySelector('video')?.readyState >= 2")))

    expect(page.locator(".overlay .face-box")).to_have_count(1)
    assert page.evaluate(PLACE) == place
    assert not page.evaluate("document.querySelector('video').controls")
    page.evaluate("document.querySelector('video').muted = true")
    page.get_by_role("button", name="Play").click()
    poll(lambda: page.evaluate("document.querySelector('video').currentTime") > 0)
