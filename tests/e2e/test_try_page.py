"""The page Try an image: drop, paste, camera, file, and the warning for an uncertain face."""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Page, expect

import moodline
from contracts.settings import Settings
from moodline.adapters.image_reader import ImageReader
from records.database import open_engine
from records.schema import upgrade
from runtime.decoding.opencv import cv2
from serving.backend import Backend
from tests.browser import chromium
from tests.pages import quiet_page, serving

FACES = Path(moodline.__file__).parent / "assets" / "faces"

# Gives the page a file as another program does, by a drop or from the clipboard.
GIVEN = """([kind, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], "face.png", { type: "image/png" }));
  const options = { bubbles: true, cancelable: true };
  const event = kind === "paste" ? new ClipboardEvent(kind, { ...options, clipboardData: given })
    : new DragEvent(kind, { ...options, dataTransfer: given });
  document.querySelector(".drop").dispatchEvent(event);
}"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('try') / 'records.db'}")
    upgrade(engine)
    reader = ImageReader()
    with serving(Backend(engine, Settings(), read_image=reader.read)) as one:
        yield one
    reader.close()
    engine.dispose()


@pytest.fixture(scope="module")
def browser(address: str) -> Iterator[Browser]:
    with chromium("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream") as one:
        yield one


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with browser.new_context() as viewer, quiet_page(viewer, address) as one:
        one.goto(f"{address}/try")
        expect(one.locator(".drop")).to_be_visible()
        yield one


def happy() -> npt.NDArray[np.uint8]:
    picture = cv2.imread(str(FACES / "a-happy.png"), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def png(picture: npt.NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_dropped_or_pasted_image_is_read(page: Page, kind: str) -> None:
    page.evaluate(GIVEN, [kind, base64.b64encode(png(happy())).decode()])
    expect(page.locator(".lead")).to_contain_text("One face found")
    expect(page.locator(".face h2")).to_contain_text("happy")
    expect(page.locator(".face .unsure")).to_have_count(0)


def test_the_drop_area_is_highlighted_while_dragging(page: Page) -> None:
    page.evaluate(GIVEN, ["dragover", ""])
    expect(page.locator(".drop")).to_have_class("drop panel over")
    page.evaluate(GIVEN, ["dragleave", ""])
    expect(page.locator(".drop")).to_have_class("drop panel")


def test_an_image_of_the_browser_camera_is_read(page: Page) -> None:
    page.get_by_role("button", name="Use the camera").click()
    video = page.locator(".camera video")
    expect(video).to_be_visible()
    video.evaluate("one => new Promise(seen => one.requestVideoFrameCallback(seen))")
    page.get_by_role("button", name="Take a picture").click()
    # Chromium's fake camera shows a clock.
    expect(page.locator(".lead")).to_have_text("No face was found.")
    expect(page.locator(".try-picture img")).to_be_visible()
    page.get_by_role("button", name="Close the camera").click()
    expect(video).to_be_hidden()
    assert video.evaluate("video => video.srcObject.getTracks()[0].readyState") == "ended"


def test_an_uncertain_face_has_a_warning(page: Page) -> None:
    blurred = np.asarray(cv2.GaussianBlur(happy(), (0, 0), 5), np.uint8)
    page.locator("#try-file").set_input_files(
        {"name": "blurred.png", "mimeType": "image/png", "buffer": png(blurred)}
    )
    expect(page.locator(".lead")).to_have_text("One face found; its expression is uncertain.")
    expect(page.locator(".face h2")).to_contain_text("Face 1: uncertain")
    expect(page.locator(".face .unsure")).to_contain_text("Most likely of the seven:")
    expect(page.locator(".face .bar")).to_have_count(7)
