"""OpenRuns: which runs have a stream in the broker."""

import re
from collections.abc import Sequence
from typing import Any, Final, cast

from broker.bus import Bus

_RUN_ID: Final = re.compile(rb"[0-9A-Za-z-]{1,24}")
_SCANNED: Final = 256


class OpenRuns:
    """The runs that producers have announced. SQL says which of them exist and have not ended.

    Its methods raise BrokerError.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def announced(self, run_ids: Sequence[str]) -> list[str]:
        """Return those of the runs that have been announced, in the same order."""
        if not run_ids:
            return []
        key, client = self._bus.runs_key, self._bus.client
        found = self._bus.repaired(lambda: client.hmget(key, list(run_ids)), key)
        return [
            run_id
            for run_id, kind in zip(run_ids, cast("list[Any]", found), strict=True)
            if kind is not None
        ]

    def scan(self, cursor: int = 0) -> tuple[int, list[str]]:
        """Return the next cursor, 0 after the last one, and a few hundred announced runs.

        Fields that are not run ids are deleted.
        """
        key, client = self._bus.runs_key, self._bus.client
        cursor, fields = cast(
            "tuple[int, dict[bytes, bytes]]",
            self._bus.repaired(lambda: client.hscan(key, cursor, count=_SCANNED), key),
        )
        unlike = [field for field in fields if not _RUN_ID.fullmatch(field)]
        if unlike:
            self._bus.refusals.note("run", len(unlike))
            with self._bus.translated_errors():
                client.hdel(key, *cast("list[Any]", unlike))
        return cursor, sorted(field.decode() for field in fields if _RUN_ID.fullmatch(field))
