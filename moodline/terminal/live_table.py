"""The table of live sources, as `moodline source list` and `moodline status` print it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.text import Text

from analytics.now.live_status import LiveStatus
from moodline.terminal.output import new_table
from runtime.visible_text import visible

MAX_ROWS: Final = 20
_STATE_STYLES: Final = {"streaming": "green", "paused": "dim", "failed": "red", "dead": "red"}


def live_table(sources: Sequence[LiveStatus]) -> RenderableType:
    """Return a line per live source, and below the table why sources are not streaming."""
    numbers = ("since (UTC)", "fps", "captured", "analysed", "dropped")
    table = new_table("source", "state", *numbers, right=numbers, whole=numbers)
    reasons = []
    for one in sources[:MAX_ROWS]:
        since = datetime.fromisoformat(one.since) if one.since else None
        style = _STATE_STYLES.get(one.state, "yellow")
        table.add_row(
            Text(one.name),
            Text(one.state.replace("_", " "), style=style),
            f"{since:%m-%d %H:%M:%S}" if since else "—",
            f"{one.fps:.1f}",
            f"{one.captured:,}",
            f"{one.analyzed:,}",
            f"{sum(one.dropped.values()):,}",
        )
        if one.reason:
            reasons.append(
                Text(f"{one.name}: ", style=style).append(visible(one.reason), "default")
            )
    if len(sources) > MAX_ROWS:
        table.add_row(f"{len(sources) - MAX_ROWS:,} more")
    return Group(table, *reasons)
