"""A process that probes one source: JSON in, JSON out. It ends within 40 seconds."""

import base64
import json
import signal
import sys
from dataclasses import asdict
from typing import Final

from contracts.errors import MoodlineError
from contracts.redaction import redact
from contracts.settings import Settings
from moodline.adapters.source_probe import probe

_TIMEOUT_S: Final = 40


def main() -> None:
    """Read {uri, max_side} from standard input; write the report with a picture, or {error}."""
    signal.alarm(_TIMEOUT_S)  # It must end even if its parent has died.
    request = json.load(sys.stdin)
    try:
        report, picture = probe(Settings.read(), request["uri"], max_side=request["max_side"])
    except MoodlineError as exc:
        json.dump({"error": redact(exc.line())}, sys.stdout)
        return
    answer = asdict(report) | {"picture": base64.b64encode(picture).decode()}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
