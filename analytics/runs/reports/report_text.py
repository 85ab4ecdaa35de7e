"""Sentences about a run: its headline."""

from typing import Final

from analytics.runs.number_text import count_text, percent, seconds_text
from analytics.runs.reports.report import RunReport, dominant_label
from contracts.expressions import UNCERTAIN
from contracts.runs import RunKind, RunState

_UNFINISHED: Final = {
    RunState.QUEUED: "The run has not begun.",
    RunState.RUNNING: "The run is not finished: these are its numbers so far.",
    RunState.FAILED: "The run failed before its end.",
    RunState.CANCELLED: "The run was cancelled before its end.",
}


def headline(report: RunReport) -> str:
    """Return sentences: the main expression, its certainty, the analysed part, what is left out."""
    unfinished = _UNFINISHED.get(report.summary.state)
    left_out, turned = report.summary.left_out.text, report.summary.turned
    sentences = (
        f"{'; '.join((_seen(report), *_covered(report)))}.",
        f"Left out: {left_out}." if left_out else None,
        f"{turned.text}." if turned else None,
        unfinished,
    )
    return " ".join(sentence for sentence in sentences if sentence)


def _seen(report: RunReport) -> str:
    summary, total = report.summary, report.person_s
    if not summary.frames_analyzed:
        return "No frame was analysed"
    if not summary.faces:
        return "No person was found" if summary.left_out.text else "No face was found"
    if not total and not report.stored_frames:
        return "The rows of this run were removed, so its expressions are not known"
    if not total:
        found = ", ".join(
            f"{label} {n:,}" for one in report.buckets for label, n in one.faces.items()
        )
        faces = f"{count_text(summary.faces, 'face')} ({found})"
        return f"{faces} at a single moment, so there are no person-seconds"
    label = dominant_label(summary.emotions)
    share = summary.emotions[label or UNCERTAIN] / total
    how = "Mostly" if share > 0.5 else "Most often"
    first = f"{how} {label} ({percent(share)} of {seconds_text(total)} person-seconds)"
    if label == UNCERTAIN:
        return f"{first}, so the expressions are mostly unknown"
    return f"{first}; {percent(summary.coverage.uncertain_share or 0)} uncertain"


def _covered(report: RunReport) -> tuple[str, ...]:
    """Return clauses on the analysed part and on removed rows; none for a single image."""
    analyzed_s = report.summary.coverage.analyzed_s
    if report.is_single_image or not analyzed_s:
        return ()
    what = "recording" if report.summary.kind == RunKind.FILE else "time"
    covered = f"{percent(min(analyzed_s / report.span_s, 1))} of the {what} was analysed"
    if report.person_s and not report.has_timeline:
        return (covered, "the times of the expressions were removed")
    return (covered,)
