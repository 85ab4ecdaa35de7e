"""The backend: the records, the settings and the services that the pages work with."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

from sqlalchemy import Engine

from analytics.health.verdict import Verdict
from analytics.removal.receipts import Receipt
from contracts.errors import FeatureUnavailableError
from contracts.model_card import ModelCard
from contracts.settings import Settings
from contracts.times import utc_now
from serving.password_checks import PasswordChecks
from serving.services import ImageReading, RecordingService, SourceService


def _unavailable(*_args: Any, **_kwargs: Any) -> NoReturn:
    raise FeatureUnavailableError(
        "this dashboard cannot do that",
        hint="Start it with `moodline dashboard` or `moodline up`",
    )


class _Unavailable:
    """A source and recording service of which every method raises FeatureUnavailableError."""

    add = edit = allow = probe = staticmethod(_unavailable)
    queue_upload = queue_folder = readable_folders = staticmethod(_unavailable)
    queue_again = staticmethod(_unavailable)
    upload_owners = has_recording = media_access = open_recording = staticmethod(_unavailable)
    try_again = staticmethod(_unavailable)
    annotated_copy = open_copy = start_annotation = delete_copy = staticmethod(_unavailable)

    @property
    def uploads(self) -> NoReturn:
        _unavailable()


@dataclass(frozen=True, slots=True)
class Backend:
    """The records, the settings, and what the rest of moodline does for the pages.

    broker_url: return the broker's address, "" if none runs.
    start_demo: add the demo camera, whose faces belong to no real person; return its name.
    read_image: find and classify the faces in an image file's bytes.
    health: return the verdict on the whole system; raises nothing.
    status, jobs: return the JSON documents of `moodline status` and `moodline schedule list`.
    forget_erased: delete what an erasure leaves outside the database.
    model_card: return the card of the model in use; None if there is none.
    password_checks: limits how many passwords are checked at once.
    """

    engine: Engine
    settings: Settings
    broker_url: Callable[[], str] = lambda: ""
    start_demo: Callable[[], str] = _unavailable
    sources: SourceService = _Unavailable()  # noqa: RUF009
    recordings: RecordingService = _Unavailable()  # noqa: RUF009
    read_image: Callable[[bytes], ImageReading] = _unavailable
    health: Callable[[], Verdict] = lambda: Verdict.of((), (), utc_now())
    status: Callable[[], object] = _unavailable
    jobs: Callable[[], object] = _unavailable
    forget_erased: Callable[[Receipt], None] = lambda _receipt: None
    model_card: Callable[[], ModelCard | None] = lambda: None
    password_checks: PasswordChecks = field(default_factory=PasswordChecks)
