"""Codecs for the text columns that hold JSON: the only place that knows their keys.

The encoders write exactly the bytes that earlier versions wrote, because hashes and comparisons
depend on them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter

from contracts.analysis_spec import AnalysisOptions
from contracts.zones.picture_options import AS_IN_SETTINGS, PictureOptions
from contracts.zones.turning import Turn
from contracts.zones.zone import Zones
from contracts.zones.zone_json import zones_of_json

HandledFiles = Mapping[str, tuple[int, int]]
"""(size in bytes, mtime in ns) of each handled file of a watched folder, by path."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """`runs.options`: the analysis options, and the capture time that the owner gave.

    recorded_at, recorded_at_pattern, recorded_at_zone: as in FileJob, None for a live run.
    drops_damaged: whether a recording's frames in which damage can show are dropped; False for
    runs of earlier versions, which read them.
    """

    analysis: AnalysisOptions
    recorded_at: datetime | None = None
    recorded_at_pattern: str | None = None
    recorded_at_zone: str | None = None
    drops_damaged: bool = False


@dataclass(frozen=True, slots=True)
class FolderOptions:
    """`schedules.options`: how recordings of a watched folder are enqueued."""

    sampling_fps: float | None
    source: str | None
    pictures: PictureOptions = AS_IN_SETTINGS


# Built when they are first used: `moodline status` reads few of these columns.
_DEFERRED: Final = ConfigDict(defer_build=True)
_TAGS: Final = TypeAdapter(tuple[str, ...], config=_DEFERRED)
_DROP_COUNTS: Final = TypeAdapter(dict[str, int], config=_DEFERRED)
_HANDLED_FILES: Final = TypeAdapter(dict[str, tuple[int, int]], config=_DEFERRED)
_AUDIT_DETAILS: Final = TypeAdapter(dict[str, object], config=_DEFERRED)


def encode_file_run_options(options: RunOptions) -> str:
    """Return `runs.options` of a recording's run."""
    recorded_at = options.recorded_at.isoformat() if options.recorded_at else None
    return json.dumps(
        {
            "analysis": options.analysis.values(),
            "recorded_at": recorded_at,
            "recorded_at_pattern": options.recorded_at_pattern,
        }
        | ({"recorded_at_zone": options.recorded_at_zone} if options.recorded_at_zone else {})
        | ({"drops_damaged": True} if options.drops_damaged else {})
    )


def encode_live_run_options(analysis: AnalysisOptions) -> str:
    """Return `runs.options` of a live run."""
    return json.dumps({"analysis": analysis.values()})


def decode_run_options(text: str) -> RunOptions:
    """Return the options in `runs.options`. Raises ValueError, KeyError or TypeError."""
    values = json.loads(text)
    # Not pydantic: it rejects the UTC offsets with seconds that some zones had long ago.
    given = values.get("recorded_at")
    return RunOptions(
        AnalysisOptions.of_values(values["analysis"]),
        datetime.fromisoformat(given) if given else None,
        values.get("recorded_at_pattern"),
        values.get("recorded_at_zone"),
        values.get("drops_damaged", False),
    )


def decode_run_pictures(text: str) -> PictureOptions:
    """Return how the pictures of a run are read, by `runs.options`. Raises ValueError.

    min_face_px: None if it has no options.
    """
    values = json.loads(text).get("analysis", {})
    return _pictures(values | {"keep_static": values.get("keep_static", False)})


def decode_run_zones(text: str) -> Zones:
    """Return the zones in `runs.options`; none if it has no options. Raises ValueError."""
    return zones_of_json(json.loads(text).get("analysis", {}).get("zones", ()))


def encode_tags(tags: Sequence[str]) -> str:
    """Return `sources.tags`."""
    return json.dumps(tags)


def decode_tags(text: str) -> tuple[str, ...]:
    """Return the tags in `sources.tags`. Raises ValueError."""
    return _TAGS.validate_json(text)


def encode_zones(zones: Zones) -> str:
    """Return `sources.zones`."""
    return json.dumps([asdict(zone) for zone in zones])


def decode_zones(text: str) -> Zones:
    """Return the zones in `sources.zones`. Raises ValueError."""
    return zones_of_json(json.loads(text))


def encode_drop_counts(counts: Mapping[str, int]) -> str:
    """Return `run_state.dropped`: dropped frames by cause."""
    return json.dumps(counts, sort_keys=True)


def decode_drop_counts(text: str) -> dict[str, int]:
    """Return the dropped frames by cause in `run_state.dropped`. Raises ValueError."""
    return _DROP_COUNTS.validate_json(text or "{}")


def encode_folder_options(options: FolderOptions) -> str:
    """Return `schedules.options`."""
    pictures = options.pictures
    later = asdict(pictures.turn) | {
        "zones": [asdict(zone) for zone in pictures.zones],
        "min_face_px": pictures.min_face_px,
    }
    values: dict[str, object] = {"sampling_fps": options.sampling_fps, "source": options.source}
    values |= {name: value for name, value in later.items() if value}
    if pictures.keep_static is not None:
        values["keep_static"] = pictures.keep_static
    return json.dumps(values)


def decode_folder_options(text: str) -> FolderOptions:
    """Return the options in `schedules.options`. Raises ValueError or TypeError."""
    # Not pydantic: it would turn an integer rate into a float, and so change run identities.
    values = json.loads(text)
    return FolderOptions(values["sampling_fps"], values["source"], _pictures(values))


def _pictures(values: Mapping[str, Any]) -> PictureOptions:
    """Return the options that JSON of a run or folder has. Raises ValueError."""
    return PictureOptions(
        Turn(values.get("rotate", 0), values.get("mirror", False)),
        zones_of_json(values.get("zones", ())),
        values.get("min_face_px"),
        values.get("keep_static"),
    )


def encode_handled_files(files: HandledFiles) -> str:
    """Return `schedules.seen`."""
    return json.dumps(dict(files))


def decode_handled_files(text: str) -> HandledFiles:
    """Return the handled files in `schedules.seen`. Raises ValueError."""
    return _HANDLED_FILES.validate_json(text or "{}")


def encode_audit_details(details: Mapping[str, object]) -> str:
    """Return `audit.details`. Raises TypeError if a value is not JSON-serialisable."""
    return json.dumps(details)


def decode_audit_details(text: str) -> dict[str, object]:
    """Return the details in `audit.details`. Raises ValueError."""
    return _AUDIT_DETAILS.validate_json(text)
