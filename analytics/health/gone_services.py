"""Gone services: processes that died within the last day, and that nothing has replaced."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from broker.heartbeats import Heartbeats
from records.seen_services import NOTE_EVERY_S, SeenProcess

REMEMBERED: Final = timedelta(days=1)
_SILENT: Final = timedelta(seconds=3 * NOTE_EVERY_S)


def gone_services(
    seen: Sequence[SeenProcess], heartbeats: Heartbeats | None, now: datetime
) -> tuple[SeenProcess, ...]:
    """Return the processes that are gone, the last seen first.

    One that was stopped in order is not gone. A living one of the same service that began after
    one was last seen takes its place: a service that restarts has another name then.
    heartbeats: None if they cannot be read; then a process that has not noted itself is gone.
    """
    alive = _alive(seen, heartbeats, now)
    spare = [one for one in seen if one.process.id in alive]
    gone = []
    for one in sorted(seen, key=lambda other: other.seen_at):
        recent = now - one.seen_at < REMEMBERED
        if one.process.id in alive or one.stopped_at is not None or not recent:
            continue
        heir = next((other for other in spare if _replaces(other, one)), None)
        if heir is None:
            gone.append(one)
        else:
            spare.remove(heir)
    return tuple(reversed(gone))


def _alive(
    seen: Sequence[SeenProcess], heartbeats: Heartbeats | None, now: datetime
) -> Collection[str]:
    if heartbeats is None:
        return {one.process.id for one in seen if now - one.seen_at < _SILENT}
    return {one.id for one in (*heartbeats.workers, *heartbeats.services)}


def _replaces(heir: SeenProcess, gone: SeenProcess) -> bool:
    begun_later = heir.started_at >= gone.seen_at - timedelta(seconds=NOTE_EVERY_S)
    return heir.process.service == gone.process.service and begun_later
