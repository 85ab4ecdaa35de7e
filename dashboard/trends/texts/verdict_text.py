"""The verdict in the viewer's language; its English is that of analytics/comparison/wording.py."""

from datetime import tzinfo
from typing import Final

from analytics.comparison.earlier_times import EarlierTime
from analytics.comparison.verdict import LEAD, MIN_TRACKS, LabelChange, Outcome, Reason, Verdict
from dashboard.language.core.recognition import known
from dashboard.language.offered import ENGLISH
from dashboard.language.words import N_, _, current_viewing, label_name, n_
from dashboard.web.number_format import count, local_time, percent
from records.rollups.windows import MINUTE_S

_MINUS: Final = "−"
_HEADLINES: Final = {
    Outcome.HIGHER: N_("Happier than {name}: {facts}."),
    Outcome.LOWER: N_("Less happy than {name}: {facts}."),
    Outcome.SIMILAR: N_("About as happy as {name}: {facts}."),
    Outcome.UNCLEAR: N_("Too little to say against {name}: {facts}."),
}
_IN_NAME: Final = ("yesterday", "last week")
"""Names that stand in a sentence without a preposition."""


def earlier_name(earlier: EarlierTime, zone: tzinfo) -> str:
    """Return the name of the time that is compared with, such as "yesterday"."""
    name = known(earlier.name)
    if name != earlier.name or current_viewing().language == ENGLISH or earlier.name in _IN_NAME:
        return name
    since, until = (
        local_time(one, zone, MINUTE_S, year=True) for one in (earlier.since, earlier.until)
    )
    return _("{since} to {until}", since=since, until=until)


def verdict_text(found: Verdict, zone: tzinfo) -> str:
    """Return the verdict as one line, such as:

    Happier than yesterday: happy 31 % (+6 ± 4 points), 84 % covered.
    """
    lead, name = found.lead, earlier_name(found.earlier, zone)
    if lead.now is None:
        if not found.covered[0]:
            return _("Too little to say: nothing was analysed in this range.")
        return _("Too little to say: nobody was seen in this range.")
    covered = _("{share} covered", share=percent(found.covered[0]))
    if lead.before is None:
        reason = _reason_text(found, name)
        return _(
            "{fact}. Nothing to compare with: {reason}",
            fact=f"{_capital(_share_text(LEAD, lead.now))}, {covered}",
            reason=_within_sentence(reason),
        )
    facts = [_changed(lead)]
    if found.also:
        facts.append(_changed(found.of(found.also)))
    return _(_HEADLINES[found.outcome], name=name, facts=_(", ").join((*facts, covered)))


def basis_text(found: Verdict, zone: tzinfo) -> str:
    """Return what the verdict rests on, and why it is unclear."""
    name = earlier_name(found.earlier, zone)
    reason = "" if found.lead.before is None else _reason_text(found, name)
    if found.lead.margin is None:
        return reason
    now, before = (count(one) for one in found.tracks)
    if found.counted:
        how = N_("Uncertainty: 95 %, from the number of tracks ({now} and {before}).")
    else:
        how = N_("Uncertainty: 95 %, with tracks as samples ({now} and {before}).")
    return f"{reason} {_(how, now=now, before=before)}".strip()


def _share_text(label: str, share: float | None) -> str:
    return _("{label} {share}", label=label_name(label), share=percent(share or 0.0))


def _changed(one: LabelChange) -> str:
    """Return a share with its change in points, and its margin if that is known."""
    if one.change is None:
        return _share_text(one.label, one.now)
    size = abs(round(one.change * 100))
    sign = ("+" if one.change > 0 else _MINUS) if size else "±"
    share = percent(one.now or 0.0)
    if one.margin is None:
        return _(
            "{label} {share} ({sign}{size} points)",
            label=label_name(one.label),
            share=share,
            sign=sign,
            size=size,
        )
    return _(
        "{label} {share} ({sign}{size} ± {margin} points)",
        label=label_name(one.label),
        share=share,
        sign=sign if size else "+",
        size=size,
        margin=max(round(one.margin * 100), 1),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _within_sentence(text: str) -> str:
    """Return a sentence as it stands after a colon: in English without its capital letter."""
    return text[:1].lower() + text[1:] if current_viewing().language == ENGLISH else text


def _reason_text(found: Verdict, name: str) -> str:
    """Return why the verdict is unclear, as a sentence; "" if it is clear."""
    if found.lead.now is None and found.reason is not Reason.NOT_COVERED:
        return ""
    plain = found.earlier.name in _IN_NAME
    match found.reason:
        case Reason.NOT_ANALYSED:
            text = (
                N_("Nothing was analysed {name}.")
                if plain
                else N_("Nothing was analysed in {name}.")
            )
        case Reason.NOBODY:
            text = N_("Nobody was seen {name}.") if plain else N_("Nobody was seen in {name}.")
        case Reason.READABILITY:
            text = (
                N_(
                    "Many more or fewer faces are uncertain than {name}, which changes every other "
                    "share: compare light and distance first."
                )
                if plain
                else N_(
                    "Many more or fewer faces are uncertain than in {name}, which changes every "
                    "other share: compare light and distance first."
                )
            )
        case Reason.NOT_COVERED:
            now, before = (percent(one) for one in found.covered)
            return _(
                "Covered: {now} of this range and {before} of {name}; less than 60 % is too little "
                "to compare.",
                now=now,
                before=before,
                name=name,
            )
        case Reason.FEW:
            return n_(
                "Too few people: in one of the times as informative as {count} stay of equal "
                "length; {needed} are needed.",
                "Too few people: in one of the times as informative as {count} stays of equal "
                "length; {needed} are needed.",
                int(min(found.effective)),
                needed=MIN_TRACKS,
            )
        case Reason.LENGTH:
            text = N_("The cameras were there for much less of one of the two times.")
        case Reason.WIDE:
            text = N_("The difference is smaller than its uncertainty, and that is large.")
        case Reason.NONE:
            return ""
    return _(text, name=name)
