"""The table of `moodline trends`: a row for each source, in as many columns as the screen holds."""

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from analytics.history.totals import Total
from contracts.expressions import COLOURS, UNCERTAIN
from moodline.terminal.output import format_duration, new_table

_WIDE: Final = 100
"""Columns of a screen that holds everything."""
_NARROW: Final = 72
"""Below this, the uncertain share is left out too."""


def trends_table(totals: Sequence[Total], width: int) -> Table:
    """Return the table for a screen of that many columns.

    No name and no number is cut: on a narrow screen, names are folded, and what the charts or
    `--json` show as well is left out.
    """
    wide = width >= _WIDE
    table = new_table()
    table.show_header = True
    table.add_column("source", overflow="fold", min_width=10, max_width=28 if wide else None)
    names = ["person-time", "most", "uncertain", "tracks", "analysed", "valence*"]
    if not wide:
        names.remove("tracks")
        names[names.index("analysed")] = "covered"
    if width < _NARROW:
        names.remove("uncertain")
    for name in names:
        table.add_column(name, justify="right", no_wrap=name != "analysed")
    for total in totals:
        cells = _cells(total)
        table.add_row(Text(total.source.display_name), *(cells[name] for name in names))
    return table


def _cells(total: Total) -> dict[str, str | Text]:
    """Return every cell of a source's row, by the name of the column."""
    shares, valence = total.now.shares or {}, total.now.valence
    return {
        "person-time": format_duration(total.now.total_s),
        "most": _largest_share(total),
        "uncertain": f"{shares[UNCERTAIN]:.0%}" if shares else "",
        "tracks": f"{total.now.tracks:,}",
        "analysed": _analyzed(total),
        "covered": f"{total.coverage:.0%}",
        "valence*": "" if valence is None else f"{valence:+.2f}",
    }


def _largest_share(total: Total) -> Text:
    """Return the label with the largest share, and its change in points since the time before."""
    shares = total.now.shares
    if shares is None:
        return Text("nobody", style="dim")
    label = max(shares, key=lambda one: shares[one])
    text = Text(f"{label} {shares[label]:.0%}", style=COLOURS[label])
    before = total.before.shares
    if before is not None and total.comparable:
        text.append(f" ({(shares[label] - before[label]) * 100:+.0f})", style="dim")
    return text


def _analyzed(total: Total) -> str:
    """Return the analysed time and the coverage; for a live source also its uptime."""
    now = total.now
    text = f"{format_duration(now.analyzed_s)} ({total.coverage:.0%})"
    return f"{text}, up {now.up_s / now.watched_s:.0%}" if now.watched_s else text
