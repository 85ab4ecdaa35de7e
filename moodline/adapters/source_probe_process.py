"""A process that looks at one source for somebody: JSON in, JSON out. It ends within 40 seconds."""

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

_AT_MOST_S: Final = 40


def main() -> None:
    """Read {uri, max_side} from standard input; write the report, or {error}."""
    signal.alarm(_AT_MOST_S)  # Also when nobody waits for it any more.
    asked = json.load(sys.stdin)
    try:
        report, picture = probe(Settings.read(), asked["uri"], max_side=asked["max_side"])
    except MoodlineError as exc:
        json.dump({"error": redact(exc.line())}, sys.stdout)
        return
    told = asdict(report) | {"picture": base64.b64encode(picture).decode()}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
