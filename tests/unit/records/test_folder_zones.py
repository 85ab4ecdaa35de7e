"""Options of watched folders: stored as before without zones, and with them unchanged."""

from contracts.zones.picture_options import PictureOptions
from contracts.zones.turning import Turn
from contracts.zones.zone import Zone, ZoneKind
from records.json_columns import FolderOptions, decode_folder_options, encode_folder_options

DESK = Zone(ZoneKind.MASK, "desk", ((0.0, 0.0), (0.3, 0.0), (0.3, 0.5)))


def test_folder_options_of_earlier_versions_are_written_and_read_as_they_were() -> None:
    text = '{"sampling_fps": 5, "source": null}'
    assert encode_folder_options(FolderOptions(5, None)) == text
    assert decode_folder_options(text) == FolderOptions(5, None)


def test_zones_of_a_watched_folder_are_kept() -> None:
    pictures = PictureOptions(Turn(90, True), (DESK,), 60, keep_static=False)
    options = FolderOptions(None, "door", pictures)
    assert decode_folder_options(encode_folder_options(options)) == options


def test_zones_of_an_earlier_version_are_read() -> None:
    text = '{"sampling_fps": null, "source": "door", "zones": [], "min_face_px": 60}'
    assert decode_folder_options(text).pictures == PictureOptions(min_face_px=60)
