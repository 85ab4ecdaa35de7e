"""The verdict in words: one line that leads, and one that says what it rests on."""

from typing import Final

from analytics.comparison.verdict import LEAD, MIN_TRACKS, LabelChange, Outcome, Reason, Verdict
from analytics.runs.number_text import count_text

_MINUS: Final = "−"


def verdict_line(found: Verdict) -> str:
    """Return the verdict as one line, such as:

    Happier than yesterday: happy 31 % (+6 ± 4 points), 84 % covered.
    """
    lead = found.lead
    if lead.now is None:
        nothing = "nothing was analysed" if not found.covered[0] else "nobody was seen"
        return f"Too little to say: {nothing} in this range."
    if lead.before is None:
        return (
            f"{LEAD.capitalize()} {_percent(lead.now)}, {_percent(found.covered[0])} covered. "
            f"Nothing to compare with: {_reason_text(found)[0].lower()}{_reason_text(found)[1:]}"
        )
    parts = [f"{LEAD} {_percent(lead.now)}{_change_text(lead)}"]
    if found.also:
        also = found.of(found.also)
        parts.append(f"{also.label} {_percent(also.now or 0.0)}{_change_text(also)}")
    parts.append(f"{_percent(found.covered[0])} covered")
    return f"{_headline(found)}: {', '.join(parts)}."


def basis_line(found: Verdict) -> str:
    """Return what the verdict rests on, and why it is unclear."""
    reason = "" if found.lead.before is None else _reason_text(found)
    tracks = " and ".join(f"{one:,}" for one in found.tracks)
    if found.lead.margin is None:
        return reason
    how = "from the number of tracks" if found.counted else "with tracks as samples"
    return f"{reason} Uncertainty: 95 %, {how} ({tracks}).".strip()


def _headline(found: Verdict) -> str:
    name = found.earlier.name
    match found.outcome:
        case Outcome.HIGHER:
            return f"Happier than {name}"
        case Outcome.LOWER:
            return f"Less happy than {name}"
        case Outcome.SIMILAR:
            return f"About as happy as {name}"
        case Outcome.UNCLEAR:
            return f"Too little to say against {name}"


def _change_text(one: LabelChange) -> str:
    """Return the change in points, with its margin if that is known."""
    if one.change is None:
        return ""
    size = abs(round(one.change * 100))
    sign = ("+" if one.change > 0 else _MINUS) if size else "±"
    if one.margin is None:
        return f" ({sign}{size} points)"
    wide = max(round(one.margin * 100), 1)
    return f" ({sign if size else '+'}{size} ± {wide} points)"


def _percent(share: float) -> str:
    """Return a share as "62 %"; only zero is "0 %", and only the whole "100 %"."""
    if 0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1 else f"{share * 100:.0f} %"


def _reason_text(found: Verdict) -> str:
    """Return why the verdict is unclear, as a sentence; "" if it is clear."""
    name, (covered, covered_before) = found.earlier.name, found.covered
    in_name = name if name in {"yesterday", "last week"} else f"in {name}"
    texts = {
        Reason.NOT_ANALYSED: f"Nothing was analysed {in_name}.",
        Reason.NOBODY: f"Nobody was seen {in_name}.",
        Reason.NOT_COVERED: (
            f"Covered: {_percent(covered)} of this range and {_percent(covered_before)} of {name}; "
            "less than 60 % is too little to compare."
        ),
        Reason.LENGTH: "The cameras were there for much less of one of the two times.",
        Reason.FEW: (
            "Too few people: in one of the times as informative as "
            f"{count_text(int(min(found.effective)), 'stay')} of equal length; {MIN_TRACKS} are "
            "needed."
        ),
        Reason.WIDE: "The difference is smaller than its uncertainty, and that is large.",
        Reason.READABILITY: (
            f"Many more or fewer faces are uncertain than {in_name}, which changes every other "
            "share: compare light and distance first."
        ),
    }
    is_known = found.lead.now is not None
    return texts.get(found.reason, "") if is_known or found.reason is Reason.NOT_COVERED else ""
