"""Labelled intervals of a clip: a CSV file, or an ELAN annotation file (.eaf)."""

from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from contracts.errors import DatasetError
from contracts.expressions import EXPRESSIONS
from contracts.geometry import Box
from moodline.evaluation.csv_table import read_table
from runtime.files.regular_files import read_regular
from training.data.readers import SYNONYMS
from training.scoring.timed import LabelledInterval

SUFFIXES: Final = (".csv", ".eaf")
_TIMES: Final = ("start_s", "end_s")
_EXPRESSION: Final = "expression"
_BOX: Final = ("x", "y", "w", "h")


def labels_beside(clip: Path) -> Path | None:
    """Return the label file with a clip's name, if there is one."""
    return next((clip.with_suffix(s) for s in SUFFIXES if clip.with_suffix(s).is_file()), None)


def read_intervals(path: Path, tier: str | None = None) -> list[LabelledInterval]:
    """Read the intervals of a clip, in order of time.

    CSV: start_s, end_s, expression, and x, y, w, h in pixels of the clip where more than one
    person is in it. ELAN: the annotations of one tier whose values are expressions. Others are
    left out there, as tiers hold other notes too. Raises DatasetError.
    """
    if path.suffix.lower() == ".eaf":
        found = _read_eaf(path, tier)
    elif path.suffix.lower() == ".csv":
        found = _read_csv(path)
    else:
        raise DatasetError(f"{path.name} is not a .csv or .eaf file")
    if not found:
        raise DatasetError(f"{path.name} labels no interval with an expression")
    return sorted(found, key=lambda one: (one.start_us, one.end_us))


def _expression(text: str | None) -> str | None:
    name = (text or "").strip().lower()
    name = SYNONYMS.get(name, name)
    return name if name in EXPRESSIONS else None


def _read_csv(path: Path) -> list[LabelledInterval]:
    table = read_table(path, (*_TIMES, _EXPRESSION))
    return [_row(row, f"{path.name}, row {number}") for number, row in enumerate(table, 1)]


def _row(row: dict[str, str], where: str) -> LabelledInterval:
    expression = _expression(row[_EXPRESSION])
    if expression is None:
        raise DatasetError(
            f"{where}: {row[_EXPRESSION]!r} is not one of the seven expressions",
            hint=f"Use: {', '.join(EXPRESSIONS)}",
        )
    given = [(row.get(column) or "").strip() for column in _BOX]
    try:
        start_us, end_us = (round(float(row[column]) * 1e6) for column in _TIMES)
        area = Box(*map(float, given)) if any(given) else None
    except (TypeError, ValueError, OverflowError) as exc:
        raise DatasetError(f"{where}: times and x, y, w, h must be numbers") from exc
    if not 0 <= start_us < end_us:
        raise DatasetError(f"{where}: start_s must be 0 or more, and before end_s")
    return LabelledInterval(start_us, end_us, expression, area)


def _read_eaf(path: Path, tier: str | None) -> list[LabelledInterval]:
    """Read an ELAN annotation file; its times are milliseconds."""
    data = read_regular(path)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # ELAN writes none; entities can grow.
        raise DatasetError(f"{path.name} declares entities", hint="Save it with ELAN again")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314  (without entities)
    except ElementTree.ParseError as exc:
        raise DatasetError(f"{path.name} is not an ELAN file: {exc}") from exc
    times = {
        slot.get("TIME_SLOT_ID", ""): int(slot.get("TIME_VALUE", "-1"))
        for slot in root.iter("TIME_SLOT")
        if slot.get("TIME_VALUE", "").isdigit()
    }
    tiers = {one.get("TIER_ID", ""): _annotations(one, times) for one in root.iter("TIER")}
    named = {name: found for name, found in tiers.items() if found}
    if tier is not None:
        if tier not in tiers:
            raise DatasetError(
                f"{path.name} has no tier {tier!r}", hint=f"It has: {', '.join(tiers)}"
            )
        return tiers[tier]
    if len(named) > 1:
        raise DatasetError(
            f"{path.name} has expressions in several tiers",
            hint=f"Choose one with --tier: {', '.join(named)}",
        )
    return next(iter(named.values()), [])


def _annotations(tier: ElementTree.Element, times: dict[str, int]) -> list[LabelledInterval]:
    found = []
    for one in tier.iter("ALIGNABLE_ANNOTATION"):
        expression = _expression(one.findtext("ANNOTATION_VALUE"))
        begin = times.get(one.get("TIME_SLOT_REF1", ""))
        end = times.get(one.get("TIME_SLOT_REF2", ""))
        if expression is not None and begin is not None and end is not None and begin < end:
            found.append(LabelledInterval(begin * 1000, end * 1000, expression))
    return found
