"""Checks of a live source's settings before they are stored."""

import socket
from pathlib import Path

from contracts.errors import SourceError
from contracts.settings import Settings
from contracts.zones.picture_options import AS_IN_SETTINGS, PictureOptions
from ingest.live.uris import check_uri, describe, is_camera, is_local
from records.sources.live_sources import SourceSettings
from records.sources.sealing import Sealer


def source_settings(  # noqa: PLR0913  (one parameter per setting)
    settings: Settings,
    uri: str,
    *,
    fps: float | None,
    max_side: int | None,
    tags: tuple[str, ...],
    looped: bool,
    host: str | None,
    pictures: PictureOptions = AS_IN_SETTINGS,
    keeps_zones: bool = False,
) -> SourceSettings:
    """Return the settings as they are stored, with the credentials in the URI sealed.

    host: the host that opens the source, or "any"; None is this host for cameras and files, and
    any host for the others. keeps_zones: keep those of the source, whatever `pictures` has. Raises
    SourceError for a URI that can never be opened.
    """
    check_uri(uri)
    if is_local(uri) and not is_camera(uri):
        if not Path(uri).is_file():
            raise SourceError(f"{uri} is not a file", hint="Check the path")
        uri = str(Path(uri).absolute())
    here = socket.gethostname() if is_local(uri) else None
    return SourceSettings(
        uri=Sealer(settings.secret_key, settings.home_path).seal(uri),
        shown_uri=describe(uri),
        host={None: here, "any": None}.get(host, host),
        sampling_fps=fps,
        max_side=max_side,
        tags=tags,
        looped=looped,
        rotate=pictures.turn.rotate,
        mirror=pictures.turn.mirror,
        zones=None if keeps_zones else pictures.zones,
        min_face_px=pictures.min_face_px,
        keep_static=pictures.keep_static,
    )
