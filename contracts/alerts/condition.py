"""Condition: a measure, a comparison and a limit, such as `angry > 30%`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from contracts.alerts.measures import MEASURES, Measure, MeasureKind
from contracts.errors import AlertError

_NUMBER: Final = r"(?P<number>[+-]?\d{1,9}(?:\.\d{1,6})?)\s*(?P<unit>%|[a-zA-Z]{1,2})?"
_FORM: Final = re.compile(r"(?P<measure>[a-z-]+)\s*(?P<sign>[<>])\s*" + _NUMBER)
_VALUE: Final = re.compile(_NUMBER)
_EXAMPLE: Final = "For example 'angry > 30%', 'people < 1', 'away > 2m' or 'disk < 5GB'"
_TIMES: Final[Mapping[str, float]] = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_FACTORS: Final[Mapping[str, Mapping[str, float]]] = {
    "%": {"%": 0.01},
    "s": _TIMES,
    "GB": {"GB": 1, "MB": 1e-3, "TB": 1e3},
    "": {},
}


@dataclass(frozen=True, slots=True)
class Condition:
    """measure: a name of MEASURES. above: whether the value must be above the limit, or below it.

    limit: in the measure's own unit: shares as 0..1, times in seconds, disk space in GB.
    Raises AlertError if they do not go together.
    """

    measure: str
    above: bool
    limit: float

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise AlertError(
                "when", f"there is no measure {self.measure!r}", f"Use {', '.join(MEASURES)}"
            )
        known = self.known
        if self.sign not in known.signs:
            raise AlertError(
                "when",
                f"{self.measure} {self.sign} makes no sense",
                f"Use {self.measure} {known.signs}",
            )
        if not known.least <= self.limit <= known.most:
            raise AlertError(
                "when",
                f"the limit {shown(known, self.limit)} is not a value that {known.title} can have",
                f"Use {shown(known, known.least)} to {shown(known, known.most)}",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the condition in a text such as `angry > 30%`. Raises AlertError."""
        found = _FORM.fullmatch(text.strip())
        if found is None:
            raise AlertError("when", f"{text!r} is not a condition", _EXAMPLE)
        measure = MEASURES.get(found["measure"])
        limit = 0.0 if measure is None else _value(measure, found, "when")
        return cls(found["measure"], found["sign"] == ">", limit)

    @property
    def known(self) -> Measure:
        """The measure."""
        return MEASURES[self.measure]

    @property
    def sign(self) -> str:
        """The comparison: < or >."""
        return ">" if self.above else "<"

    @property
    def text(self) -> str:
        """The condition as it is typed: `parse` returns the same condition for it."""
        return f"{self.measure} {self.sign} {typed(self.known, self.limit)}"

    @property
    def sentence(self) -> str:
        """The condition for people, such as "share of angry above 30 %"."""
        word = "above" if self.above else "below"
        return f"{self.known.title} {word} {shown(self.known, self.limit)}"

    def holds(self, value: float) -> bool:
        """Return whether the value is beyond the limit."""
        return value > self.limit if self.above else value < self.limit

    def is_beyond(self, value: float, other: float) -> bool:
        """Return whether the value is further in the direction of the alarm than another one."""
        return value > other if self.above else value < other


def parse_value(measure: Measure, text: str, field: str) -> float:
    """Return a value of a measure that a person typed, such as 30%, 2m or 5GB.

    field: to be named in an AlertError, which is raised if it is not valid.
    """
    found = _VALUE.fullmatch(text.strip())
    if found is None:
        example = typed(measure, measure.least)
        raise AlertError(field, f"{text!r} is not a value", f"For example {example}")
    return _value(measure, found, field)


def _value(measure: Measure, found: re.Match[str], field: str) -> float:
    number, unit = float(found["number"]), found["unit"] or ""
    factors = _FACTORS[measure.unit]
    if unit and unit not in factors:
        raise AlertError(
            field,
            f"{measure.name} is not measured in {unit}",
            f"Use {', '.join(factors)}" if factors else "Give a plain number",
        )
    if not unit and measure.unit == "%" and abs(number) > 1:
        hint = f"Use {plain(number)}% or {plain(number / 100)}"
        raise AlertError(field, f"{plain(number)} is not a share", hint)
    return round(number * factors.get(unit, 1.0), 9)


def typed(measure: Measure, value: float) -> str:
    """Return a value of a measure as a person types it: 30%, 120s, 5GB, -0.2."""
    if measure.unit == "%":
        return f"{plain(value * 100)}%"
    return f"{plain(value)}{measure.unit}"


def shown(measure: Measure, value: float) -> str:
    """Return a value of a measure for people: 30 %, 120 s, 5 GB, 1.25."""
    if measure.unit == "%":
        return f"{plain(round(value * 100, 2))} %"
    digits = 2 if measure.kind in {MeasureKind.VALENCE, MeasureKind.PEOPLE} else 1
    return f"{plain(round(value, digits))} {measure.unit}".rstrip()


def value_text(measure: str, value: float | None) -> str:
    """Return a value of a measure for people; "unknown" for None."""
    if value is None or measure not in MEASURES:
        return "unknown"
    return shown(MEASURES[measure], value)


def plain(number: float) -> str:
    """Return a number without needless zeros: 30, 0.25."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
