"""`moodline trends`: history in the terminal, with its coverage."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Engine

from analytics.history.coverage import coverage
from analytics.history.measures import Measures
from analytics.history.moments import Moment, moments
from analytics.history.source_selection import SourceGroup
from analytics.history.trends import (
    LONGEST_HEAT_MAP,
    Bucket,
    HeatCell,
    Timeline,
    Total,
    grouped_totals,
    heat_map,
    timeline,
    totals,
)
from contracts.expressions import COLOURS, UNCERTAIN
from moodline.commands.runs import print_json
from moodline.terminal.timeline_chart import LETTERS

_SHOWN: Final = 12
_COVERAGE: Final = " ▁▂▃▄▅▆▇█"
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LEAST_FOR_A_WEEK: Final = timedelta(days=2)


def show_trends(  # noqa: PLR0913
    engine: Engine,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    *,
    sources: Sequence[str],
    tags: Sequence[str],
    groups: Sequence[str],
    as_json: bool,
    console: Console,
) -> None:
    """A line of letters a source, a line of coverage under it, and what it adds up to."""
    found = timeline(engine, since, until, zone, sources=sources, tags=tags, groups=groups)
    every = totals(engine, since, until, sources=sources, tags=(*tags, *groups))
    lines = grouped_totals(every, sources=sources, tags=tags, groups=groups)
    sharpest = moments(found, limit=5)
    week = _week(engine, since, until, zone, sources, (*tags, *groups))
    if as_json:
        print_json(_json(found, lines, sharpest) | {"week": [_cell_json(cell) for cell in week]})
        return
    seen = [line for line in lines if line.now.frames or line.now.watched_s]
    if not seen:
        console.print(
            "Nothing was analysed in that time. `moodline analyze VIDEO`, or `moodline source add` "
            "with `moodline up`, makes history; `moodline rollups rebuild` computes it anew.",
            highlight=False,
            markup=False,
        )
        return
    width = max(20, min(console.width - 4, 96))
    for line in seen[:_SHOWN]:
        series = found.groups if isinstance(line.source, SourceGroup) else found.series
        console.print(_strip(line.source.shown_name, series[line.source.name], width))
    console.print(_axis(found, zone, width))
    console.print(_table(seen[:_SHOWN]))
    console.print("* derived from the probabilities, not measured", style="dim")
    if len(seen) > _SHOWN:
        console.print(f"and {len(seen) - _SHOWN} more; --source chooses", style="dim")
    shown_names = {line.source.name: line.source.shown_name for line in seen}
    for moment in sharpest[:3]:
        name = shown_names.get(moment.source, moment.source)
        console.print(_moment(moment, name, zone), highlight=False)
    if until - since >= _LEAST_FOR_A_WEEK:
        console.print(_heat_map(week))


def _week(  # noqa: PLR0913, PLR0917
    engine: Engine,
    since: datetime,
    until: datetime,
    zone: tzinfo,
    sources: Sequence[str],
    tags: Sequence[str],
) -> Sequence[HeatCell]:
    """The hours of the week, of the range's last days where it is longer than the map can be."""
    since = max(since, until - LONGEST_HEAT_MAP)
    return heat_map(engine, since, until, zone, sources=sources, tags=tags)


def _cell_json(cell: HeatCell) -> dict[str, Any]:
    return {
        "weekday": cell.weekday,
        "hour": cell.hour,
        "frames": cell.measures.frames,
        "analyzed_s": cell.measures.analyzed_s,
        "person_s": dict(cell.measures.person_s),
    }


def _heat_map(week: Sequence[HeatCell]) -> Text:
    """A line a weekday, a letter an hour: what was shown most on the viewer's clock."""
    cells = {(cell.weekday, cell.hour): cell.measures for cell in week}
    text = Text(f"\n     {'0':<12}{'6':<12}{'12':<12}{'18':<12}h\n", style="dim")
    for weekday, name in enumerate(_WEEKDAYS):
        text.append(f"{name}  ", style="dim")
        for hour in range(24):
            found = cells.get((weekday, hour))
            letter, style = (" ", "") if found is None else _letter(found)
            text.append(f"{letter} ", style)
        text.append("\n")
    return text


def _letter(found: Measures) -> tuple[str, str]:
    if not found.total_s:
        return (" ", "") if found.is_gap() else (".", "dim not bold")
    label = max(found.person_s, key=lambda one: found.person_s[one])
    return LETTERS[label], f"not dim bold {COLOURS[label]}"


def _json(found: Timeline, lines: Sequence[Total], sharpest: Sequence[Moment]) -> dict[str, Any]:
    answer = {
        "since": found.since,
        "until": found.until,
        "step_s": found.step_s,
        "series": {name: _steps(buckets) for name, buckets in found.series.items()},
        "groups": {tag: _steps(buckets) for tag, buckets in found.groups.items()},
        "totals": [
            {
                **_name(line),
                "generated": line.source.generated,
                "expected_s": line.expected_s,
                "coverage": round(line.coverage, 4),
                "now": _values(line.now),
                "before": _values(line.before),
            }
            for line in lines
        ],
        "moments": [asdict(moment) for moment in sharpest],
    }
    plain: dict[str, Any] = json.loads(
        json.dumps(answer, default=lambda moment: moment.isoformat())
    )
    return plain


def _steps(buckets: Sequence[Bucket]) -> list[dict[str, Any]]:
    return [
        {
            "begin": bucket.begin,
            "end": bucket.end,
            "partial": bucket.partial,
            "expected_s": bucket.expected_s,
            "coverage": round(bucket.coverage, 4),
            **_values(bucket.measures),
        }
        for bucket in buckets
        if not bucket.measures.is_gap() or bucket.measures.watched_s
    ]


def _name(line: Total) -> dict[str, str]:
    return {"group" if isinstance(line.source, SourceGroup) else "source": line.source.name}


def _values(found: Measures) -> dict[str, Any]:
    return asdict(found) | {"derived_valence": found.valence}


def _strip(name: str, buckets: Sequence[Bucket], width: int) -> Text:
    columns = [_column(buckets, index, width) for index in range(width)]
    text = Text(f"{name}\n", style="bold")
    text.append("|", style="dim not bold")
    for column in columns:
        text.append(*_cell(column))
    text.append("|\n ", style="dim not bold")
    for column in columns:
        share = sum(one.measures.analyzed_s for one in column)
        level = coverage(share, sum(one.expected_s for one in column))
        # What was seen at all is told from what was not.
        text.append(_COVERAGE[0 if not share else max(1, round(level * 8))], style="dim not bold")
    return text.append(" covered", style="dim not bold")


def _column(buckets: Sequence[Bucket], index: int, width: int) -> Sequence[Bucket]:
    """The buckets that one column of the terminal shows."""
    first = index * len(buckets) // width
    return buckets[first : max(first + 1, (index + 1) * len(buckets) // width)]


def _cell(column: Sequence[Bucket]) -> tuple[str, str]:
    seconds: dict[str, float] = {}
    for bucket in column:
        for label, person_s in bucket.measures.person_s.items():
            seconds[label] = seconds.get(label, 0.0) + person_s
    if any(seconds.values()):
        label = max(seconds, key=lambda one: seconds[one])
        return LETTERS[label], f"bold {COLOURS[label]}"
    seen = any(not bucket.measures.is_gap() for bucket in column)
    return (".", "dim not bold") if seen else (" ", "")


def _axis(found: Timeline, zone: tzinfo, width: int) -> Text:
    pattern = "%d %b %H:%M" if found.step_s < 86_400 else "%d %b %Y"
    begin = f"{found.since.astimezone(zone):{pattern}}"
    end = f"{found.until.astimezone(zone):{pattern}}"
    gap = max(1, width - len(begin) - len(end))
    text = Text(f" {begin}{' ' * gap}{end}  ({zone})\n ", style="dim")
    for label, letter in LETTERS.items():
        text.append(letter, style=f"not dim bold {COLOURS[label]}").append(f" {label}  ")
    return text.append(". nobody, blank: not analysed\n")


def _table(lines: Sequence[Total]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("source", overflow="ellipsis", max_width=28)
    for name in ("people", "mostly", "unsure", "tracks", "covered", "valence*"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in lines:
        now = line.now
        shares = now.shares or {}
        valence = now.valence
        table.add_row(
            Text(line.source.shown_name),
            _duration(now.total_s),
            _mostly(line),
            f"{shares[UNCERTAIN]:.0%}" if shares else "",
            f"{now.tracks:,}",
            _covered(line),
            "" if valence is None else f"{valence:+.2f}",
        )
    return table


def _mostly(line: Total) -> Text:
    """The label with the largest share, and how it moved since the time before."""
    shares = line.now.shares
    if shares is None:
        return Text("nobody", style="dim")
    label = max(shares, key=lambda one: shares[one])
    text = Text(f"{label} {shares[label]:.0%}", style=COLOURS[label])
    before = line.before.shares
    if before is not None and line.comparable:
        text.append(f" ({(shares[label] - before[label]) * 100:+.0f})", style="dim")
    return text


def _covered(line: Total) -> str:
    """Analysed time, and its share of what was expected; of a camera also how long it delivered."""
    found = line.now
    text = f"{_duration(found.analyzed_s)} ({line.coverage:.0%})"
    return f"{text}, up {found.up_s / found.watched_s:.0%}" if found.watched_s else text


def _duration(seconds: float) -> str:
    units = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))
    for (unit, length), (smaller, size) in pairwise(units):
        if seconds >= length:
            whole = int(seconds // length)
            return f"{whole} {unit} {int(seconds % length // size)} {smaller}"
    return f"{seconds:.0f} s"


def _moment(moment: Moment, source: str, zone: tzinfo) -> Text:
    text = Text(f"{moment.at.astimezone(zone):%d %b %H:%M} ", style="dim")
    text.append(f"{source}: ", style="not dim bold")
    text.append(moment.label, style=COLOURS[moment.label])
    return text.append(f" from {moment.before:.0%} to {moment.now:.0%}", style="not dim")
