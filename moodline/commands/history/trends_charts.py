"""The text charts of `moodline trends`: a line of letters per source, and the hours of the week."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import Final

from rich.text import Text

from analytics.history.coverage import coverage
from analytics.history.hours_of_week.heat_map import HeatCell
from analytics.history.measures import Measures
from analytics.history.timeline import Bucket, Timeline
from contracts.expressions import COLOURS
from moodline.terminal.timeline_chart import LETTERS
from runtime.visible_text import visible

_COVERAGE_LABEL: Final = " coverage"
_COVERAGE_BARS: Final = " ▁▂▃▄▅▆▇█"
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY_S: Final = 86_400


def series_chart(name: str, buckets: Sequence[Bucket], width: int) -> Text:
    """Return a line with the most frequent label of each column, and its coverage below it."""
    columns = [_column(buckets, index, width) for index in range(width)]
    text = Text(f"{visible(name)}\n", style="bold")
    text.append("|", style="dim not bold")
    for column in columns:
        text.append(*_column_letter(column))
    text.append("|\n ", style="dim not bold")
    for column in columns:
        analyzed_s = sum(bucket.measures.analyzed_s for bucket in column)
        level = coverage(analyzed_s, sum(bucket.expected_s for bucket in column))
        # Any analysed time shows as at least the lowest bar: no bar means no coverage.
        bar = _COVERAGE_BARS[max(1, round(level * 8)) if analyzed_s else 0]
        text.append(bar, style="dim not bold")
    return text.append(_COVERAGE_LABEL, style="dim not bold")


def axis_margin(zone: tzinfo) -> int:
    """Return the characters that charts and axis need beside the columns."""
    return 1 + max(len(_COVERAGE_LABEL), len(f"  ({zone})"))


def time_axis(found: Timeline, zone: tzinfo, width: int) -> Text:
    """Return the begin and the end of the range in `zone`, and the legend of the letters."""
    pattern = "%d %b %H:%M" if found.step_s < _DAY_S else "%d %b %Y"
    begin = f"{found.since.astimezone(zone):{pattern}}"
    end = f"{found.until.astimezone(zone):{pattern}}"
    gap = max(1, width - len(begin) - len(end))
    text = Text(f" {begin}{' ' * gap}{end}  ({zone})\n ", style="dim")
    for label, letter in LETTERS.items():
        text.append(letter, style=f"not dim bold {COLOURS[label]}").append(f"\u00a0{label}  ")
    return text.append("\n . nobody, blank: not analysed\n")


def heat_map_chart(week: Sequence[HeatCell]) -> Text:
    """Return a line per weekday and a letter per hour, in the viewer's time zone."""
    cells = {(cell.weekday, cell.hour): cell.measures for cell in week}
    text = Text(f"\n     {'0':<12}{'6':<12}{'12':<12}{'18':<12}h\n", style="dim")
    for weekday, name in enumerate(_WEEKDAYS):
        text.append(f"{name}  ", style="dim")
        for hour in range(24):
            measures = cells.get((weekday, hour))
            letter, style = (" ", "") if measures is None else _hour_letter(measures)
            text.append(f"{letter} ", style)
        text.append("\n")
    return text


def _hour_letter(measures: Measures) -> tuple[str, str]:
    if not measures.total_s:
        return (" ", "") if measures.is_gap() else (".", "dim not bold")
    label = max(measures.person_s, key=lambda one: measures.person_s[one])
    return LETTERS[label], f"not dim bold {COLOURS[label]}"


def _column(buckets: Sequence[Bucket], index: int, width: int) -> Sequence[Bucket]:
    """Return the buckets that one column of the terminal stands for."""
    first = index * len(buckets) // width
    return buckets[first : max(first + 1, (index + 1) * len(buckets) // width)]


def _column_letter(column: Sequence[Bucket]) -> tuple[str, str]:
    seconds: dict[str, float] = {}
    for bucket in column:
        for label, person_s in bucket.measures.person_s.items():
            seconds[label] = seconds.get(label, 0.0) + person_s
    if any(seconds.values()):
        label = max(seconds, key=lambda one: seconds[one])
        return LETTERS[label], f"bold {COLOURS[label]}"
    seen = any(not bucket.measures.is_gap() for bucket in column)
    return (".", "dim not bold") if seen else (" ", "")
