"""Provenance: what made the rows of a run, for those who get them without moodline."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, select

from analytics.runs.run_list import run_id_batches
from contracts.analysis_spec import AnalysisOptions
from contracts.model_card import ModelCard
from contracts.redaction import redact
from records.json_columns import decode_run_options
from records.tables.runs import Run
from records.tables.sources import Source
from runtime.version import moodline_version

FORMAT: Final = "moodline-provenance/1"


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of the rows of one run.

    made_by: the version of moodline that created the run; None for runs of earlier versions.
    file_sha256, file_bytes: of the analysed recording; None for a live source, and as size if it
    is not known. sampling_fps: None for every frame. uncertain_below: the confidence below which a
    face is uncertain; None if the threshold is in a model card that is not at hand. options: the
    AnalysisOptions by name, as they were pinned.
    """

    run_id: str
    source: str
    kind: str
    path: str
    file_sha256: str | None
    file_bytes: int | None
    copy_of: str | None
    recorded_at: datetime | None
    recorded_at_origin: str | None
    made_by: str | None
    queued_at: datetime
    finished_at: datetime | None
    model_version: str
    detector: str
    sampling_fps: float | None
    uncertain_below: float | None
    options: Mapping[str, Any]


def provenance_of(
    connection: Connection, run_ids: Sequence[str], card: ModelCard | None = None
) -> tuple[Provenance, ...]:
    """Return the provenance of these runs in the given order, without those that do not exist.

    card: of the model in use: the threshold of its runs, unless they have their own.
    """
    found: dict[str, Provenance] = {}
    original = Run.__table__.alias("original")
    query = (
        select(
            Run.__table__,
            Source.name.label("source"),
            original.c.run_id.label("original_run"),
        )
        .join(Source, Source.id == Run.source_pk)
        .outerjoin(original, original.c.id == Run.copy_of)
    )
    for batch in run_id_batches(run_ids):
        for row in connection.execute(query.where(Run.run_id.in_(batch))):
            found[row.run_id] = _provenance(row, card)
    return tuple(found[run_id] for run_id in run_ids if run_id in found)


def provenance_json(run: Provenance) -> dict[str, Any]:
    """Return the provenance of a run as JSON values."""
    return {name: _json(value) for name, value in asdict(run).items()}


def provenance_document(runs: Sequence[Provenance], **export: Any) -> dict[str, Any]:
    """Return the document that stands beside exported rows, as JSON values.

    export: what was exported, such as `rows` and the range of time.
    """
    return {
        "format": FORMAT,
        "exported_by": f"moodline {moodline_version()}",
        "export": {name: _json(value) for name, value in export.items() if value is not None},
        "runs": [provenance_json(one) for one in runs],
    }


def _provenance(row: Row[Any], card: ModelCard | None) -> Provenance:
    analysis = decode_run_options(row.options).analysis
    size = (row.file_state or "").partition(" ")[0]
    return Provenance(
        run_id=row.run_id,
        source=row.source,
        kind=row.kind,
        path=redact(row.uri),
        file_sha256=row.content_hash or None,
        file_bytes=int(size) if size.isdigit() else None,
        copy_of=row.original_run,
        recorded_at=row.recorded_at,
        recorded_at_origin=row.recorded_at_origin,
        made_by=row.made_by,
        queued_at=row.queued_at,
        finished_at=row.finished_at,
        model_version=row.model_version,
        detector=row.detector,
        sampling_fps=row.sampling_fps,
        uncertain_below=_threshold(row.model_version, analysis, card),
        options=asdict(analysis),
    )


def _threshold(
    model_version: str, analysis: AnalysisOptions, card: ModelCard | None
) -> float | None:
    if analysis.uncertain_below is not None or card is None:
        return analysis.uncertain_below
    return card.uncertain_below if card.version == model_version else None


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
