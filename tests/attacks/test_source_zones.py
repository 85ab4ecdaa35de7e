"""Privacy masks of live sources: who can change them, and which pictures of a camera have them."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine

from contracts.settings import Settings
from contracts.zones.picture_options import PictureOptions
from contracts.zones.turning import Turn
from contracts.zones.zone import Zone, ZoneKind, Zones
from moodline.adapters.source_settings import source_settings
from moodline.adapters.sources import SourceEditor
from records.database import open_engine
from records.schema import upgrade
from records.sources.live_sources import (
    SourceSettings,
    add_source,
    edit_source,
    find_source,
    set_zones,
)
from records.users.accounts import add_user
from records.users.roles import Role
from runtime.decoding.opencv import cv2, decode_picture
from serving.backend import Backend
from serving.services import SourceForm
from tests.http_client import PASSWORD, ask, cookie_of, post, sign_in
from tests.media import VideoSpec, steady, write_video
from tests.pages import serving

DESK = Zone(ZoneKind.MASK, "desk", ((0.0, 0.0), (0.5, 0.0), (0.5, 0.5), (0.0, 0.5)))
USERS = {"ola": Role.OPERATOR, "vic": Role.VIEWER}
ZONE = {"kind": "mask", "name": "desk", "points": [[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]]}
CAMERA = SourceSettings("rtsp://camera.example/a", "rtsp://camera.example", None, 5.0, 640, ())


@dataclass(frozen=True)
class Site:
    """A dashboard with users, and the editor behind it."""

    address: str
    engine: Engine
    editor: SourceEditor
    cookies: Mapping[str, str]

    def save(self, who: str, zones: list[Any], before: list[Any], **values: Any) -> tuple[int, str]:
        """Send zones of `door` as this user; return the status and the error."""
        cookie = self.cookies[who]
        body = {"name": "door", "zones": zones, "before": before} | values
        answer = post(self.address, "/api/sources/zones", cookie, **body)
        return answer.status, str(json.loads(answer.read()).get("error", ""))

    def zones(self) -> Zones:
        return find_source(self.engine, "door").zones


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    settings = Settings(home=tmp_path_factory.mktemp("zones"))
    engine = open_engine(settings.effective_database_url)
    upgrade(engine)
    for name, role in USERS.items():
        add_user(engine, name, role, PASSWORD, actor="test")
    add_source(engine, "door", CAMERA)
    editor = SourceEditor(settings, engine, failure_after_s=0.0)
    with serving(Backend(engine, settings, sources=editor), sign_in=True) as address:
        cookies = {name: cookie_of(sign_in(address, name, PASSWORD)) for name in USERS}
        yield Site(address, engine, editor, cookies)
    engine.dispose()


@pytest.fixture
def site(shared_site: Site) -> Site:
    """The site, where `door` has one mask."""
    edit_source(shared_site.engine, "door", CAMERA)
    set_zones(shared_site.engine, "door", (DESK,), None, before=shared_site.zones())
    return shared_site


def test_a_viewer_neither_removes_a_mask_nor_gets_the_picture_to_draw_on(site: Site) -> None:
    assert site.save("vic", [], [ZONE])[0] == 403
    headers = {"Cookie": site.cookies["vic"]}
    assert ask(site.address, "/api/sources/picture?name=door", **headers).status == 403
    assert site.zones() == (DESK,)


def test_a_page_of_another_site_cannot_change_zones(site: Site) -> None:
    body = json.dumps({"name": "door", "zones": [], "before": [ZONE]})
    headers = {"Cookie": site.cookies["ola"], "Origin": "https://attacker.example"}
    headers["Content_Type"] = "application/json"
    answer = ask(site.address, "/api/sources/zones", "POST", body, **headers)
    assert answer.status == 403 and site.zones() == (DESK,)


def test_an_operator_changes_zones_from_what_the_page_has_shown(site: Site) -> None:
    """Sent twice, the second is refused: by then there are other zones."""
    hall = {"kind": "include", "points": [[0, 0], [1, 0], [1, 1]]}
    assert site.save("ola", [ZONE, hall], [ZONE], min_face_px=80) == (200, "")
    status, error = site.save("ola", [], [ZONE])
    assert (status, "changed meanwhile" in error) == (400, True)
    door = find_source(site.engine, "door")
    assert [zone.name for zone in door.zones] == ["desk", "include 1"]
    assert door.min_face_px == 80


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([[0, 0], [1.5, 0], [1, 1]], "outside of the picture"),
        ([[0, 0], [1, 1]], "no area"),
        ([[0, 0], [1, 1], [1, 0], [0, 1]], "cross each other"),
        ([[0, 0]] * 501, "at most"),
        ([["x", 0], [1, 1], [1, 0]], ""),
        ([[0, 0, 0], [1, 1, 1], [1, 0, 1]], ""),
    ],
)
def test_what_is_not_a_zone_is_refused_in_a_line(site: Site, points: Any, said: str) -> None:
    status, error = site.save("ola", [ZONE | {"name": "new", "points": points}], [ZONE])
    assert status in (400, 422) and said in error and "\n" not in error
    assert site.zones() == (DESK,)


def test_the_form_of_a_source_does_not_touch_its_masks(site: Site) -> None:
    values = {"name": "door", "uri": "", "fps": 2.0, "tags": ["front"]}
    answer = post(site.address, "/api/sources/edit", site.cookies["ola"], **values)
    assert answer.status == 200
    assert (site.zones(), find_source(site.engine, "door").sampling_fps) == ((DESK,), 2.0)


# -- the picture of a test --------------------------------------------------------


@pytest.fixture(scope="module")
def white_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "white.mp4"
    spec = VideoSpec(picture=lambda _, size: np.full((size[1], size[0]), 250, np.uint8))
    write_video(path, steady(100), spec)
    return path


def test_the_picture_of_a_test_has_the_masks_turned_as_the_picture_is(
    site: Site, white_clip: Path
) -> None:
    """Given a mask at the upper left: in a test turned by 90 degrees it is at the upper right."""
    settings = source_settings(
        site.editor.settings,
        str(white_clip),
        fps=5.0,
        max_side=640,
        tags=(),
        looped=True,
        host="any",
        pictures=PictureOptions(
            zones=(replace(DESK, points=((0.0, 0.0), (0.4, 0.0), (0.4, 0.5), (0.0, 0.5))),)
        ),
    )
    add_source(site.engine, "clip", settings)
    report = replace(site.editor, failure_after_s=30.0).probe("", "clip", Turn(90))
    picture = decode_picture(base64.b64decode(report.picture), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    height, width = picture.shape
    assert picture[2 : int(0.38 * height), width // 2 + 3 :].max() < 16
    assert picture[int(0.45 * height) :].min() > 200 and picture[:, : width // 2 - 4].min() > 200


@pytest.mark.parametrize(
    ("typed", "masked"),
    [
        ("rtsp://camera.example/a", True),
        ("rtsp://me:secret@CAMERA.example/a", True),
        ("rtsp://camera.example/b", False),
    ],
)
def test_an_address_is_tested_with_the_masks_of_the_source_that_has_it(
    site: Site, typed: str, masked: bool
) -> None:
    """Typing the address of a masked camera into the form of a new one uncovers nothing."""
    settings = Settings(home=site.editor.settings.home, source_hosts=("camera.example",))
    editor = replace(site.editor, settings=settings)
    zones = editor._probed(typed, "").zones
    assert bool(zones) == masked


def test_the_editor_takes_form_values_without_zones(site: Site) -> None:
    """Given the address of another camera typed into the form, the masks stay."""
    settings = Settings(home=site.editor.settings.home, source_hosts=("camera.example",))
    editor = replace(site.editor, settings=settings)
    editor.edit("door", SourceForm("rtsp://camera.example/new", 5.0, ()), actor="ola")
    assert site.zones() == (DESK,)
