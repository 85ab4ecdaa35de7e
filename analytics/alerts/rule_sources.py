"""The sources that a rule is about."""

from collections.abc import Sequence

from sqlalchemy import Connection

from analytics.history.source_selection import HistorySource, history_sources
from contracts.runs import RunKind
from records.alerts.rule_json import Keys


def rule_sources(connection: Connection, keys: Keys, tags: Sequence[str]) -> list[HistorySource]:
    """Return the live sources that a rule is about, by name; generated ones count as live.

    Recordings are not watched: their time is in the past. Removed sources are not, either.
    """
    return [
        one
        for one in history_sources(connection)
        if not one.removed
        and (one.kind == RunKind.LIVE or one.generated)
        and (keys.sources is None or one.pk in keys.sources or set(tags) & set(one.tags))
    ]
