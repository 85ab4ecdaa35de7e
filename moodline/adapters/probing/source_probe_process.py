"""A process that probes one source: JSON in, JSON out. It ends within 40 seconds."""

import base64
import json
import signal
import sys
import time
from dataclasses import asdict
from typing import Final

from contracts.errors import MoodlineError, SourceError
from contracts.redaction import redact
from contracts.settings import Settings
from moodline.adapters.probing.probed_source import ProbedSource
from moodline.adapters.probing.source_probe import probe

_TIMEOUT_S: Final = 40


def main() -> None:
    """Read {source, open_until_s} from standard input; write the report with a picture.

    open_until_s: time of the monotonic clock at which the process ends if the source is not open.
    On failure it writes {error, detail}.
    """
    signal.alarm(_TIMEOUT_S)  # It must end even if its parent has died.
    request = json.load(sys.stdin)
    left_s = max(request["open_until_s"] - time.monotonic(), 0.1)
    signal.setitimer(signal.ITIMER_REAL, left_s)
    try:
        source = ProbedSource.of_json(request["source"])
        report, picture = probe(Settings.read(), source, lambda: signal.alarm(_TIMEOUT_S))
    except MoodlineError as exc:
        detail = exc.detail if isinstance(exc, SourceError) else ""
        json.dump({"error": redact(exc.line()), "detail": redact(detail)}, sys.stdout)
        return
    answer = asdict(report) | {"picture": base64.b64encode(picture).decode()}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
