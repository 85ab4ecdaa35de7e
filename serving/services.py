"""Interfaces between the pages and the rest of moodline, and the values that they pass."""

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from contracts.live_sources import Transport
from contracts.parsing.addresses import HostPort
from contracts.zones.picture_options import PictureOptions
from contracts.zones.turning import NO_TURN, Turn
from records.uploads.stored import StoredUpload
from records.uploads.uploads import Uploads


@dataclass(frozen=True, slots=True)
class AddressFields:
    """Fields of a form that become a part of the source's address.

    user, password: "" for none; both "": those in the address, if any. transport: None: that in the
    address.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    transport: Transport | None = None


NO_FIELDS: Final = AddressFields()


@dataclass(frozen=True, slots=True)
class SourceForm:
    """A live source as typed into the form. uri: "" keeps the address of a known source.

    turn: of its picture. keep_static: whether still faces count; None: the setting. fields: for
    its address.
    """

    uri: str
    fps: float
    tags: tuple[str, ...]
    turn: Turn = NO_TURN
    keep_static: bool | None = None
    fields: AddressFields = NO_FIELDS


@dataclass(frozen=True, slots=True)
class SourceProbe:
    """The result of reading a source for three seconds.

    rate: frames/s that the source claims; fps: frames/s measured. looked: pictures that were
    searched for faces; with_face: those with at least one; faces: the most in one picture.
    picture: the last picture, JPEG in base64, faces blurred.
    """

    source: str
    codec: str
    width: int
    height: int
    rate: float | None
    fps: float
    opened_s: float
    first_picture_s: float
    pictures: int
    corrupt: int
    looked: int
    with_face: int
    faces: int
    picture: str


class SourceService(Protocol):
    """Adds, edits and tests live sources. Methods raise SourceError."""

    def add(self, name: str, form: SourceForm, *, actor: str) -> None:
        """Add a live source. actor: the name that the audit records."""

    def edit(self, name: str, form: SourceForm, *, actor: str) -> None:
        """Change a live source."""

    def allow(self, place: HostPort, *, actor: str) -> None:
        """Allow a port of this host as a camera, for all who may add sources."""

    def probe(
        self,
        uri: str,
        name: str,
        turn: Turn,
        fields: AddressFields = NO_FIELDS,
        *,
        explained: bool = False,
    ) -> SourceProbe:
        """Read an address, or with an empty one the known source `name`, for three seconds.

        turn: of its picture. fields: for its address. explained: whether an error comes at once and
        names the cause.
        """


@dataclass(frozen=True, slots=True)
class QueuedFolder:
    """The result of queueing a folder. refused: one line for each file that was not queued.

    run_ids: the runs, old or new, of the others.
    """

    queued: int
    refused: tuple[str, ...]
    run_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordingDetails:
    """The details that a user gives with new recordings.

    source: the source's name; "" for that of the file. tags: of the source. recorded_at: when the
    recording begins; None: as the file says.
    """

    source: str = ""
    tags: tuple[str, ...] = ()
    recorded_at: datetime | None = None


NO_DETAILS: Final = RecordingDetails()


@dataclass(frozen=True, slots=True)
class TriedAgain:
    """The run that analyses a recording again. queued: False if it had not failed, or is done."""

    run_id: str
    queued: bool


class CopyState(StrEnum):
    """The state of a run's annotated copy."""

    NONE = "none"
    DRAWING = "drawing"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MediaFile:
    """An open recording or annotated copy. Whoever gets it closes the file."""

    file: BinaryIO
    media_type: str


class MediaAccess(StrEnum):
    """The parts of a run's recording that may be sent.

    gone: nothing, it is not here. whole: the recording. masked: the run's annotated copy, which has
    its privacy masks; the recording itself has none. uncovered: nothing, since the run lacks the
    masks of a newer run of the same recording.
    """

    GONE = "gone"
    WHOLE = "whole"
    MASKED = "masked"
    UNCOVERED = "uncovered"


@dataclass(frozen=True, slots=True)
class AnnotatedCopy:
    """A copy of a recording with boxes and labels drawn on it. path: where it is or would be."""

    state: CopyState
    path: Path


class RecordingService(Protocol):
    """Queues and finds recordings, and draws annotated copies. Methods raise MoodlineError."""

    @property
    def uploads(self) -> Uploads: ...

    def queue_upload(
        self, upload: StoredUpload, pictures: PictureOptions, details: RecordingDetails
    ) -> str:
        """Queue a complete upload; return its run id."""

    def queue_folder(
        self, path: str, pictures: PictureOptions, details: RecordingDetails
    ) -> QueuedFolder:
        """Queue the recordings in a file or folder of this host, which the owner must allow."""

    def readable_folders(self) -> list[Path]:
        """Return the folders that the owner allows."""

    def upload_owners(self, run_ids: Collection[str]) -> Mapping[str, Set[str]]:
        """Return the users who sent the recordings of those of the runs that are uploads."""

    def queue_again(self, run_id: str) -> str:
        """Queue the recording of an ended run again, whatever its result; return the new run."""

    def try_again(self, run_id: str) -> TriedAgain:
        """Queue the recording of a run that failed or was cancelled again.

        The run goes on if it has the present model and detector; else another run begins.
        """

    def has_recording(self, run_id: str) -> bool:
        """Return whether the run's recording is on this host."""

    def media_access(self, run_id: str) -> MediaAccess:
        """Return what may be sent of the run's recording."""

    def open_recording(self, run_id: str) -> MediaFile:
        """Open the run's recording, to be sent."""

    def annotated_copy(self, run_id: str) -> AnnotatedCopy:
        """Return the state and the path of the run's annotated copy."""

    def open_copy(self, run_id: str) -> MediaFile:
        """Open the run's finished annotated copy, to be sent."""

    def start_annotation(self, run_id: str) -> None:
        """Start to draw the annotated copy, in a process of its own."""

    def delete_copy(self, run_id: str, *, actor: str) -> None:
        """Delete the annotated copy, and write the deletion to the audit."""


@dataclass(frozen=True, slots=True)
class FaceReading:
    """A face in an image. x, y, w, h: shares of the image. why: the reason for label None."""

    x: float
    y: float
    w: float
    h: float
    label: str | None
    confidence: float
    shares: Mapping[str, float]
    why: str


@dataclass(frozen=True, slots=True)
class ImageReading:
    """The faces of an image of width x height pixels, the largest face first."""

    width: int
    height: int
    faces: tuple[FaceReading, ...]
