"""The page Model card: what reads the faces, how well, and what the readings are not."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dash import html

from contracts.expressions import EXPRESSIONS
from contracts.model_card import Head, ModelCard
from dashboard.web.page import Page, Visit, attributes

_LIMITS: Final = (
    "It reads the expression that a face shows. It does not know what a person feels.",
    "It identifies nobody: a person who leaves and returns is a new track.",
    "It was measured on photographs of faces from the web. Expect less on small, dark, blurred, "
    "covered or turned faces, and on ages and skin tones that are rare there.",
    "A face whose confidence is below the threshold is uncertain: it is seen, but has no label.",
    "Do not base a decision about a person on it.",
)


def _layout(visit: Visit) -> html.Div:
    card = visit.backend.model_card()
    if card is None:
        return html.Div(html.P("This dashboard has no model."), className="empty")
    head = card.heads[card.record_head]
    return html.Div(
        [
            html.P(f"New recordings and live sources are read by {card.id}.", className="lead"),
            _section("What the readings are", html.Ul([html.Li(one) for one in _LIMITS])),
            _section("Model", _facts(_model_facts(card))),
            _section(f"How well it reads: {card.record_head}", _measured(head)),
            html.P(
                [
                    "Runs keep the model that read them: the page of a recording, its exports and ",
                    html.Code("moodline runs show"),
                    " name it.",
                ],
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
        ("Version", card.version),
        ("Made", card.created),
        ("Architecture", str(training.get("architecture", "not stated"))),
        ("Reads", f"{', '.join(card.labels)}; crops of {side} × {side} pixels"),
        ("Records", f"the head {card.record_head}; it has {', '.join(card.heads)}"),
        ("Uncertain below", f"{card.uncertain_below:g}"),
        ("Learned on", _learned_on(data)),
        ("SHA-256 of the weights", card.sha256),
    ]


def _learned_on(data: Any) -> str:
    if not isinstance(data, Mapping) or "train" not in data:
        return "not stated in the card"
    faces = f"{data['train']:,} labelled faces of {data.get('name', 'a data set')}"
    return f"{faces}, measured on {data['val']:,} others" if "val" in data else faces


def _measured(head: Head) -> html.Div:
    """Return the head's measured numbers, as far as the card has them."""
    told = head.model_extra or {}
    names = {
        "val_accuracy": "Accuracy",
        "val_macro_f1": "Macro F1",
        "ece": "Calibration error (ECE)",
    }
    facts = [(text, f"{told[key]:.3f}") for key, text in names.items() if _is_number(told.get(key))]
    recall = told.get("per_class_recall")
    parts: list[Any] = [_facts(facts)] if facts else [html.P("The card has no measured numbers.")]
    if isinstance(recall, Mapping):
        parts.append(_recall_table({str(name): share for name, share in recall.items()}))
    return html.Div(parts)


def _recall_table(recall: Mapping[str, float]) -> html.Div:
    rows = [
        html.Tr([html.Th(name, scope="row"), html.Td(f"{recall[name] * 100:.0f} %")])
        for name in EXPRESSIONS
        if _is_number(recall.get(name))
    ]
    head = html.Thead(
        html.Tr([html.Th("Expression", scope="col"), html.Th("Found of those shown", scope="col")])
    )
    return html.Div(
        html.Table([head, html.Tbody(rows)], className="plain"),
        className="scroll",
        tabIndex=0,
        role="region",
        **attributes(aria_label="Share of each expression that is found"),
    )


def _section(title: str, content: Any) -> html.Section:
    return html.Section([html.H2(title), content], className="panel")


def _facts(facts: Sequence[tuple[str, str]]) -> html.Dl:
    items = [part for name, value in facts for part in (html.Dt(name), html.Dd(value))]
    return html.Dl(items, className="facts")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float))


MODEL_CARD: Final = Page(path="model", name="Model card", layout=_layout, in_menu=False)
