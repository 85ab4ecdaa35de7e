"""A source that is turned: its zones move along, and its next run is pinned to the turn."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from contracts.live_sources import Transport
from contracts.settings import Settings
from contracts.zones.turning import NO_TURN, Turn, turned_zones
from contracts.zones.zone import Zone, ZoneKind
from ingest.picture_view import PictureView
from moodline.adapters.sources import SourceEditor
from moodline.analysis.run_spec import live_spec
from records.sources.live_sources import SourceSettings, add_source, find_source
from records.sources.sealing import Sealer
from serving.services import AddressFields, SourceForm
from tests.media import SoundSpec, write_coloured_video

WINDOW = Zone(ZoneKind.MASK, "window", ((0.0, 0.0), (0.3, 0.0), (0.3, 0.5), (0.0, 0.5)))
QUARTER = Turn(90, mirror=True)


@pytest.fixture
def editor(sqlite_engine: Engine, moodline_home: Path) -> SourceEditor:
    uri = "rtsp://camera.local"
    plain = SourceSettings(uri, uri, None, 5.0, 640, zones=(WINDOW,))
    add_source(sqlite_engine, "door", plain)
    return SourceEditor(Settings.read(), sqlite_engine)


def test_masks_stay_over_the_same_things_when_a_source_is_turned(editor: SourceEditor) -> None:
    before = find_source(editor.engine, "door")
    editor.edit("door", SourceForm("", 5.0, (), QUARTER), actor="ola")
    turned = find_source(editor.engine, "door")
    assert turned.turn == QUARTER
    assert turned.zones == turned_zones((WINDOW,), NO_TURN, QUARTER) != (WINDOW,)
    assert turned.revision > before.revision, "it is opened again, and begins a new run"

    editor.edit("door", SourceForm("", 5.0, (), NO_TURN), actor="ola")
    assert find_source(editor.engine, "door").zones == (WINDOW,)


def test_a_form_changes_how_a_camera_sends_without_its_address(editor: SourceEditor) -> None:
    def stored() -> str:
        sealer = Sealer(editor.settings.secret_key, editor.settings.home_path)
        return sealer.unseal(find_source(editor.engine, "door").uri)

    before = stored()
    for transport, after in ((Transport.UDP, f"{before}#transport=udp"), (Transport.TCP, before)):
        fields = AddressFields(transport=transport)
        editor.edit("door", SourceForm("", 5.0, (), fields=fields), actor="ola")
        assert stored() == after
    assert before.startswith("rtsp://")


def test_a_run_is_pinned_to_the_turn_of_its_source(editor: SourceEditor) -> None:
    editor.edit("door", SourceForm("", 5.0, (), QUARTER), actor="ola")
    options = live_spec(editor.settings, find_source(editor.engine, "door")).options
    assert options.turn == QUARTER
    view = PictureView.of(options)
    assert (view.rotate, view.mirror) == (90, True)


def test_a_test_reads_the_source_as_the_form_turns_it(editor: SourceEditor, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    write_coloured_video(clip, [(200, 40, 40)], size=(160, 120), sound=SoundSpec(codec=None))
    uri = str(clip)
    add_source(editor.engine, "file", SourceSettings(uri, uri, None, 5.0, 640))

    plain = editor.probe("", "file", NO_TURN)
    turned = editor.probe("", "file", Turn(90))
    assert ((plain.width, plain.height), (turned.width, turned.height)) == ((160, 120), (120, 160))
