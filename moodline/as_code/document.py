"""Document: what a file of `moodline apply` may say. Its JSON schema is for editors."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from contracts.alerts.rule import Severity
from contracts.live_sources import DEFAULT_SIDE

VERSION: Final = 1
DEFAULT_FPS: Final = 5.0
_KEPT: Final = r"^([1-9][0-9]{0,4}[dw]|forever)$"


def _list_if_missing(value: Any) -> Any:
    """`tags:` without anything behind it is an empty list, as people write it."""
    return [] if value is None else value


def _text_of_number(value: Any) -> Any:
    """A number where a value with or without a unit is meant, such as `clears_at: 3`."""
    return str(value) if type(value) in (int, float) else value


class Part(BaseModel):
    """A part of the document. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FromEnv(Part):
    """A secret in the environment of `moodline apply`."""

    env: Annotated[
        str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Name of the variable.")
    ]


class FromFile(Part):
    """A secret in a file, relative to the folder of the document. Its last line end is ignored."""

    file: Annotated[str, Field(min_length=1, description="Path of the file.")]


Secret = str | FromEnv | FromFile
Names = Annotated[list[str], BeforeValidator(_list_if_missing)]
Value = Annotated[
    str, BeforeValidator(_text_of_number), WithJsonSchema({"type": ["string", "number"]})
]
Fps = Annotated[float, Field(ge=0.1, le=240)]


class ZoneShape(Part):
    """A polygon. points: its corners, as fractions of the picture."""

    name: str = ""
    points: list[Annotated[list[float], Field(min_length=2, max_length=2)]]


ZoneShapes = Annotated[list[ZoneShape], BeforeValidator(_list_if_missing)]


class ZonesByKind(Part):
    """Zones: only faces in `include` count, none in `exclude`; `mask` is black before all else."""

    include: ZoneShapes = []
    exclude: ZoneShapes = []
    mask: ZoneShapes = []


class Pictures(Part):
    """How pictures are read. zones: left out, they stay as they are."""

    rotate: Literal[0, 90, 180, 270] = 0
    mirror: bool = False
    zones: ZonesByKind | None = None
    min_face: Annotated[int, Field(ge=12, le=512)] | None = Field(
        None, description="Shortest side of a face to detect, pixels; null: the setting."
    )
    keep_static: bool | None = Field(None, description="Count still faces; null: the setting.")


class LiveSourceEntry(Pictures):
    """A live source. What is left out has its default; address, zones and paused stay.

    address: as for `moodline source add`. user, password, transport: put into the address.
    """

    address: Secret | None = Field(
        None, description="Camera number, /dev/video0, rtsp://, http:// or a file."
    )
    user: str | None = Field(None, description="User name, put into the address.")
    password: Secret | None = Field(None, description="Password, put into the address.")
    transport: Literal["tcp", "udp"] | None = Field(
        None, description="How an rtsp:// camera sends its video, put into the address."
    )
    fps: Fps | None = Field(
        DEFAULT_FPS, description="Frames to analyse per second, at most; null: the default."
    )
    max_side: Annotated[int, Field(ge=160, le=8192)] | None = Field(
        DEFAULT_SIDE, description="Longest side of an analysed frame, pixels; null: the setting."
    )
    tags: Names = Field([], description="Tags, by which Trends and alerts group sources.")
    loop: bool = Field(False, description="Repeat a file forever.")
    host: str | None = Field(None, description="Host that opens the source, or any.")
    paused: bool | None = Field(None, description="Left out: as it is.")


class FolderEntry(Pictures):
    """A watched folder: new recordings in it are analysed. Either every or cron."""

    path: Annotated[str, Field(min_length=1, description="Folder with recordings.")]
    every: str | None = Field(None, description="Interval, such as 10m, 6h or 1d.")
    cron: str | None = Field(None, description="Cron expression, five fields.")
    fps: Fps | None = Field(None, description="Frames to analyse per second; null: every frame.")
    source: str | None = Field(None, description="One source name for all recordings.")


class Retention(Part):
    """How long data is kept: days or weeks, as 90d or 12w, or forever. Left out: as it is set."""

    faces: Annotated[str, Field(pattern=_KEPT)] | None = None
    frames: Annotated[str, Field(pattern=_KEPT)] | None = None
    minutes: Annotated[str, Field(pattern=_KEPT)] | None = None
    rollups: Annotated[str, Field(pattern=_KEPT)] | None = None
    audit: Annotated[str, Field(pattern=_KEPT)] | None = None


class TargetEntry(Part):
    """A target of alerts. url, secret: left out, they stay. secret: signs a webhook: whsec_..."""

    url: Secret | None = Field(
        None, description="https:// for a webhook, mqtt[s]:// for a topic, or a URL of Apprise."
    )
    secret: Secret | None = Field(None, description="Signs a webhook: whsec_...")
    private: bool = Field(False, description="Allow a webhook in a private network.")


class AlertEntry(Part):
    """An alert rule, with the options of `moodline alert add`."""

    model_config = ConfigDict(populate_by_name=True)

    when: str = Field(description="Measure, > or <, and a limit, such as angry > 30%.")
    lasting: str = Field("", alias="for", description="Window, such as 5m.")
    clears_at: Value = Field("", description="Value at which an open alert ends.")
    cooldown: str = Field("", description="Least time between two alerts about one source.")
    min_person_seconds: Annotated[float, Field(ge=0)] | None = None
    min_coverage: str = ""
    sources: Names = []
    tags: Names = []
    hours: str = Field("", description="Hours of the week: mon-fri 08:00-18:00.")
    zone: str = Field("", description="IANA time zone of the hours.")
    severity: Annotated[Severity, Field(strict=False)] = Severity.WARNING
    to: Names = Field([], description="Targets that are told; none: all.")


class Document(Part):
    """The whole file. Entries by name."""

    version: Literal[1]
    sources: dict[str, LiveSourceEntry] | None = None
    folders: dict[str, FolderEntry] | None = None
    retention: Retention | None = None
    targets: dict[str, TargetEntry] | None = None
    alerts: dict[str, AlertEntry] | None = None


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of the document."""
    found = Document.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **found,
        "title": "moodline apply",
    }
