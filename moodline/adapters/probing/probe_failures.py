"""Why a test of a source failed, in words for who set it up."""

import re
import signal
from dataclasses import dataclass
from typing import Final

from contracts.errors import SourceError
from ingest.live.uris import SHOWS_CAUSE, describe


@dataclass(frozen=True, slots=True)
class _Cause:
    """A cause: where a detail matches, what to say of the source, and what to do."""

    detail: re.Pattern[str]
    text: str
    hint: str


def _cause(detail: str, text: str, hint: str) -> _Cause:
    return _Cause(re.compile(detail, re.IGNORECASE), text, hint)


_CAUSES: Final = (
    _cause(
        r"\b(401|403)\b|unauthorized|forbidden|user name or password",
        "refuses the user name or password",
        "Check both. Many cameras have a user of their own for RTSP",
    ),
    _cause(
        "does not send over TCP",
        "sends its video over UDP only",
        "Choose UDP as its transport, or switch on RTSP over TCP in its settings",
    ),
    _cause(
        "does not send over UDP",
        "does not send its video over UDP",
        "Choose TCP as its transport",
    ),
    _cause(
        r"\b(404|454|451)\b|not found",
        "answers, but has no video at this path",
        "Check the path: choose the camera's brand, or look it up in its manual",
    ),
    _cause(
        r"connection refused",
        "answers, but nothing listens at this port",
        "Check the port, and that RTSP or ONVIF is switched on in the camera's settings",
    ),
    _cause(
        r"timed out|time ?out|did not send|no answer|unreachable|no route"
        rf"|status -{signal.SIGALRM:d}\b",
        "does not answer",
        "Check its address, that it is switched on, and that this host reaches its network",
    ),
    _cause(
        r"does not speak RTSP|invalid data|closed the connection|^RTSP/1.0|^HTTP/1",
        "answers, but not with a video that can be read",
        "Check the port and the kind of address: rtsp:// is usually port 554, http:// port 80",
    ),
)


def explained_failure(uri: str, failure: SourceError) -> SourceError:
    """Return the failure of a test with its cause, if that is known, for an administrator."""
    for cause in _CAUSES:
        if cause.detail.search(failure.detail) or cause.detail.search(str(failure)):
            return SourceError(
                f"{describe(uri)} {cause.text}", hint=cause.hint, detail=failure.detail
            )
    if not failure.detail:
        return failure
    # Its hint names this test, which shows the cause here.
    hint = failure.hint.removesuffix(f". {SHOWS_CAUSE}")
    return SourceError(f"{failure} ({failure.detail.strip()})", hint=hint, detail=failure.detail)
