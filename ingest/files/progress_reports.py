"""What an ingest process tells its parent, a JSON line at a time."""

import json
import time
from dataclasses import asdict, dataclass
from typing import Final, Self, TextIO

_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class News:
    """Of one run: frames and bytes published since the last news, and what it waits for.

    ended: this is the last of the run. error: why it could not be published, or "".
    """

    run_id: str
    frames: int = 0
    bytes: int = 0
    trouble: str = ""
    ended: bool = False
    error: str = ""

    def encode(self) -> str:
        """As one line."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, line: str) -> Self:
        """What `encode` wrote."""
        return cls(**json.loads(line))


class Reporter:
    """Sums up turns, and says so once a second."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._run_id = ""
        self._frames = self._bytes = 0
        self._trouble = ""
        self._say_at = 0.0

    def begin(self, run_id: str) -> None:
        """The turns that follow are of this run."""
        self._run_id, self._say_at = run_id, time.monotonic() + _EVERY_S

    def note(self, sent_bytes: int, trouble: str) -> None:
        """One turn: a message of so many bytes was sent, or none because of `trouble`."""
        self._frames += bool(sent_bytes)
        self._bytes += sent_bytes
        self._trouble = trouble
        if time.monotonic() >= self._say_at:
            self._say_at = time.monotonic() + _EVERY_S
            self.say(News(self._run_id))

    def say(self, news: News) -> None:
        """Say it, with what was not told yet."""
        told = News(news.run_id, self._frames, self._bytes, self._trouble, news.ended, news.error)
        self._frames = self._bytes = 0
        print(told.encode(), file=self._out, flush=True)
