"""The page Model card: what reads the faces, how well, and what the readings are not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dash import html

from contracts.expressions import EXPRESSIONS
from contracts.model_card import Head, ModelCard
from dashboard.language.words import N_, _, label_name, parts
from dashboard.web.number_format import count, decimal, percent
from dashboard.web.page import Page, Visit, attributes

_LIMITS: Final = (
    N_("It reads the expression that a face shows. It does not know what a person feels."),
    N_("It identifies nobody: a person who leaves and returns is a new track."),
    N_(
        "It was measured on photographs of faces from the web. Expect less on small, dark, "
        "blurred, covered or turned faces, and on ages and skin tones that are rare there."
    ),
    N_(
        "A face whose confidence is below the threshold is uncertain: it is seen, but has no label."
    ),
    N_("Do not base a decision about a person on it."),
)


def _layout(visit: Visit) -> html.Div:
    card = visit.backend.model_card()
    if card is None:
        return html.Div(html.P(_("This dashboard has no model.")), className="empty")
    head = card.heads[card.record_head]
    return html.Div(
        [
            html.P(
                _("New recordings and live sources are read by {model}.", model=card.id),
                className="lead",
            ),
            _section(_("What the readings are"), html.Ul([html.Li(_(one)) for one in _LIMITS])),
            _section(_("Model"), _facts(_model_facts(card))),
            _section(_("How well it reads: {head}", head=card.record_head), _measured(head)),
            html.P(
                parts(
                    "Runs keep the model that read them: the page of a recording, its exports and "
                    "{command} name it.",
                    command=html.Code("moodline runs show"),
                ),
                className="soft",
            ),
        ],
        id="model-card",
    )


def _model_facts(card: ModelCard) -> Sequence[tuple[str, str]]:
    side = card.framing.side
    training = card.training
    data = training.get("data") if isinstance(training.get("data"), Mapping) else {}
    return [
        (_("Version"), card.version),
        (_("Made"), card.created),
        (_("Architecture"), str(training.get("architecture", _("not stated")))),
        (
            _("Reads"),
            _(
                "{labels}; crops of {side} × {side} pixels",
                labels=", ".join(map(label_name, card.labels)),
                side=side,
            ),
        ),
        (
            _("Records"),
            _(
                "the head {head}; it has {heads}",
                head=card.record_head,
                heads=", ".join(card.heads),
            ),
        ),
        (_("Uncertain below"), decimal(card.uncertain_below, 2)),
        (_("Learned on"), _learned_on(data)),
        (_("SHA-256 of the weights"), card.sha256),
        *_looks(card),
    ]


def _looks(card: ModelCard) -> Iterator[tuple[str, str]]:
    """Yield when each network but the first is asked, and what identifies it."""
    output = card.heads[card.record_head].output
    for number, look in enumerate(card.looks, start=2):
        yield _("Network {number} below", number=number), decimal(look.below[output], 2)
        yield _("SHA-256 of network {number}", number=number), look.sha256


def _learned_on(data: Any) -> str:
    if not isinstance(data, Mapping) or "train" not in data:
        return _("not stated in the card")
    known = {"faces": count(data["train"]), "name": data.get("name") or _("a data set")}
    if "val" not in data:
        return _("{faces} labelled faces of {name}", **known)
    return _(
        "{faces} labelled faces of {name}, measured on {others} others",
        others=count(data["val"]),
        **known,
    )


def _measured(head: Head) -> html.Div:
    """Return the head's measured numbers, as far as the card has them."""
    told = head.model_extra or {}
    names = {
        "val_accuracy": _("Accuracy"),
        "val_macro_f1": _("Macro F1"),
        "ece": _("Calibration error (ECE)"),
    }
    facts = [
        (text, decimal(told[key], 3)) for key, text in names.items() if _is_number(told.get(key))
    ]
    recall = told.get("per_class_recall")
    parts: list[Any] = (
        [_facts(facts)] if facts else [html.P(_("The card has no measured numbers."))]
    )
    if isinstance(recall, Mapping):
        parts.append(_recall_table({str(name): share for name, share in recall.items()}))
    return html.Div(parts)


def _recall_table(recall: Mapping[str, float]) -> html.Div:
    rows = [
        html.Tr([html.Th(label_name(name), scope="row"), html.Td(percent(recall[name]))])
        for name in EXPRESSIONS
        if _is_number(recall.get(name))
    ]
    head = html.Thead(
        html.Tr(
            [
                html.Th(_("Expression"), scope="col"),
                html.Th(_("Found of those shown"), scope="col"),
            ]
        )
    )
    return html.Div(
        html.Table([head, html.Tbody(rows)], className="plain"),
        className="scroll",
        tabIndex=0,
        role="region",
        **attributes(aria_label=_("Share of each expression that is found")),
    )


def _section(title: str, content: Any) -> html.Section:
    return html.Section([html.H2(title), content], className="panel")


def _facts(facts: Sequence[tuple[str, str]]) -> html.Dl:
    items = [part for name, value in facts for part in (html.Dt(name), html.Dd(value))]
    return html.Dl(items, className="facts")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


MODEL_CARD: Final = Page(path="model", name=N_("Model card"), layout=_layout, in_menu=False)
