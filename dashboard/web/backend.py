"""What the pages stand on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from sqlalchemy import Engine

from analytics.removal.erasure import Receipt
from contracts.errors import MoodlineError
from contracts.settings import Settings
from records.uploads import UploadLine, Uploads


class UnavailableError(MoodlineError):
    """Raised where the dashboard runs without the part of moodline that could do it."""


class SourceDesk(Protocol):
    """Keeps and looks at live sources as somebody typed them. Raises SourceError."""

    def add(self, name: str, typed: Mapping[str, Any]) -> None:
        """typed: uri, fps, tags."""

    def edit(self, name: str, typed: Mapping[str, Any]) -> None:
        """The same of a known source; an empty uri leaves it where it is."""

    def look(self, uri: str, name: str = "") -> dict[str, Any]:
        """What it gives in three seconds, with a picture: JPEG, base64, faces blurred."""


class RecordingDesk(Protocol):
    """Queues and finds recordings. Raises MoodlineError."""

    @property
    def uploads(self) -> Uploads: ...

    def take_upload(self, upload: UploadLine) -> str:
        """Queue a whole upload; its run."""

    def take_folder(self, path: str, *, anywhere: bool) -> tuple[int, list[str]]:
        """Queue what is in a folder of this host: how many, and what was refused."""

    def folders(self) -> list[Path]:
        """Those that may be read from here."""

    def file_of(self, run_id: str) -> Path | None:
        """Where the run's recording lies; None when it is not here any more."""

    def annotated(self, run_id: str) -> tuple[str, Path]:
        """("none" | "drawing" | "done" | "failed", where) of the run's annotated copy."""

    def annotate(self, run_id: str) -> None:
        """Begin to draw what was read onto a copy."""

    def delete_copy(self, run_id: str, *, actor: str) -> None:
        """Delete that copy, and write down who did."""


def _unavailable(*_given: Any, **_named: Any) -> NoReturn:
    raise UnavailableError(
        "that cannot be done from here", hint="Start the dashboard by its command"
    )


class _NoDesk:
    add = edit = look = staticmethod(_unavailable)
    take_upload = take_folder = folders = file_of = annotated = annotate = delete_copy = (
        staticmethod(_unavailable)
    )

    @property
    def uploads(self) -> NoReturn:
        _unavailable()


def _nothing(_receipt: Receipt) -> None:
    return


def _no_broker() -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Backend:
    """The records, the settings, and what the rest of moodline does for the pages.

    broker_url: where the broker is now, "" where none runs. start_demo: adds a source that plays
    a clip of faces that belong to no one; its name. read_image: of a picture's bytes, what faces
    are in it, as inference_worker.pictures.single_image has them. status, jobs: as `moodline status --json`
    and `moodline schedule list --json` have them. forget_erased: what is left of it elsewhere.
    """

    engine: Engine
    settings: Settings
    broker_url: Callable[[], str] = _no_broker
    start_demo: Callable[[], str] = _unavailable
    sources: SourceDesk = _NoDesk()  # noqa: RUF009
    recordings: RecordingDesk = _NoDesk()  # noqa: RUF009
    read_image: Callable[[bytes], dict[str, Any]] = _unavailable
    status: Callable[[], dict[str, Any]] = _unavailable
    jobs: Callable[[], list[dict[str, Any]]] = _unavailable
    forget_erased: Callable[[Receipt], None] = _nothing
