"""An evaluation as one self-contained HTML page: tables and charts, no scripts, no requests."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from contracts.expressions import EXPRESSIONS
from training.evaluate import Evaluation

_SIZE: Final = 320
_EDGE: Final = 36
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined
)
_TEMPLATES.globals.update(EXPRESSIONS=EXPRESSIONS, SIZE=_SIZE, LOW=_EDGE, HIGH=_SIZE - _EDGE)

Points = Sequence[tuple[float, float]]


def report_page(evaluation: Evaluation, dataset: str) -> str:
    """Return the page as text; write it as UTF-8. dataset: its name."""
    return _TEMPLATES.get_template("report.html").render(
        title=f"{evaluation.model} on {dataset}, {evaluation.split}, {evaluation.labels} labels",
        facts=_facts(evaluation),
        report=evaluation.report,
        reliability=_places([(one.confidence, one.accuracy) for one in evaluation.reliability]),
        risk_coverage=_places([(p.coverage, p.accuracy) for p in evaluation.risk_coverage]),
        uncertain_below=evaluation.uncertain_below,
        protocols=evaluation.protocols,
        people=None if evaluation.people is None else evaluation.people.sentence(),
        conditions=evaluation.conditions,
    )


def _facts(evaluation: Evaluation) -> list[tuple[str, str]]:
    report = evaluation.report
    return [
        ("faces", f"{report.n:,}"),
        ("accuracy", f"{report.accuracy:.1%}"),
        ("macro F1", f"{report.macro_f1:.3f}"),
        ("ECE (15 bins, top label)", f"{report.ece:.3f}"),
        ("time per face, alone, one thread", f"{evaluation.latency_ms_per_face:.2f} ms"),
        ("time per face, in batches of 8", f"{evaluation.latency_ms_per_face_batch_8:.2f} ms"),
        *(
            (f"label changed by: {name}", f"{share:.1%}")
            for name, share in evaluation.changed.items()
        ),
    ]


def _places(points: Points) -> Points:
    """Return points in 0..1 as pixels of a chart, whose y axis points up."""
    inner = _SIZE - 2 * _EDGE
    return [(_EDGE + inner * x, _SIZE - _EDGE - inner * y) for x, y in points]
