"""The tables that `moodline model evaluate` prints."""

from collections.abc import Iterable, Mapping, Sequence

from rich.markup import escape
from rich.table import Table

from moodline.evaluation.photograph_scores import PhotographScores
from moodline.terminal.output import Screen, new_table, print_line
from training.evaluate import Evaluation
from training.scoring.conditions import ConditionScore
from training.scoring.groups import GroupScore, Share
from training.scoring.protocols import ProtocolScore

_SCORES = ("faces", "accuracy", "mean recall", "macro F1", "ECE")
_GROUP = ("photos", "found", "right", "mean recall", "uncertain", "if certain")


def print_evaluation(
    evaluation: Evaluation, data: str, others: Mapping[str, Sequence[ProtocolScore]]
) -> None:
    """Print the scores on a data set, and on other sets."""
    console = Screen()
    scores = evaluation.report
    console.print(
        f"[bold]{evaluation.model}[/] on {escape(data)}, {evaluation.labels} labels: "
        f"{scores.n:,} faces, accuracy {scores.accuracy:.1%}, macro F1 {scores.macro_f1:.3f}, "
        f"ECE {scores.ece:.3f}, {evaluation.latency_ms_per_face:.2f} ms per face",
        highlight=False,
    )
    numbers = ("recall", "precision", "F1", "faces")
    table = new_table("expression", *numbers, right=numbers)
    for label, one in scores.per_class.items():
        values = (f"{one.recall:.1%}", f"{one.precision:.1%}", f"{one.f1:.3f}")
        table.add_row(label, *values, f"{one.support:,}")
    console.print(table)
    _print_titled(console, "By protocol", _protocol_table(evaluation.protocols))
    if evaluation.people is not None:
        print_line(evaluation.people.sentence())
    for name, rows in others.items():
        _print_titled(console, f"On {name}", _protocol_table(rows))
    if evaluation.conditions:
        _print_titled(
            console, f"Degraded faces, {evaluation.labels}", _condition_table(evaluation.conditions)
        )


def print_photographs(scores: PhotographScores, name: str) -> None:
    """Print the scores of labelled photographs."""
    console = Screen()
    console.print(
        f"[bold]{scores.model}[/] on {escape(name)}, head {scores.head}, uncertain below "
        f"{scores.uncertain_below:.2f}. Beside shares: 95 % intervals.",
        highlight=False,
    )
    console.print(_group_table("", [scores.all]))
    recall = new_table("expression", "recall", right=("recall",))
    for label, share in scores.all.recall.items():
        recall.add_row(label, _share(share))
    console.print(recall)
    for one in scores.groups:
        _print_titled(console, f"By {one.column}", _group_table(one.column, one.groups))
        print_line(
            f"Chance alone makes the groups differ as much with p = {one.p_accuracy:.3f} (right) "
            f"and p = {one.p_found:.3f} (found)."
        )


def _print_titled(console: Screen, title: str, table: Table) -> None:
    console.print(f"\n[bold]{escape(title)}[/]", highlight=False)
    console.print(table)


def _protocol_table(rows: Iterable[ProtocolScore]) -> Table:
    table = new_table("labels", *_SCORES, right=_SCORES)
    for one in rows:
        table.add_row(
            one.protocol.shown_name,
            f"{one.faces:,}",
            f"{one.accuracy:.1%}",
            f"{one.mean_recall:.1%}",
            f"{one.macro_f1:.3f}",
            f"{one.ece:.3f}",
        )
    return table


def _condition_table(rows: Iterable[ConditionScore]) -> Table:
    numbers = ("accuracy", "difference (95 %)", "mean recall")
    table = new_table("", "faces seen", *numbers, right=numbers)
    for one in rows:
        change = f"{100 * one.low:+.1f} to {100 * one.high:+.1f}" if one.kind else ""
        table.add_row(one.kind, one.name, f"{one.accuracy:.1%}", change, f"{one.mean_recall:.1%}")
    return table


def _group_table(column: str, groups: Iterable[GroupScore]) -> Table:
    table = new_table(column, *_GROUP, right=_GROUP, whole=(column, *_GROUP))
    for one in groups:
        table.add_row(
            one.group or "(empty)",
            f"{one.photographs:,}",
            _share(one.found),
            _share(one.accuracy),
            _share(one.mean_recall),
            _share(one.uncertain),
            _share(one.certain_accuracy),
        )
    return table


def _share(share: Share | None) -> str:
    if share is None:
        return "-"
    return f"{share.value:.0%} {100 * share.low:.0f}-{100 * share.high:.0f}"
