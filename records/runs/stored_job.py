"""The job from which a recording's run was queued, to analyse the recording in another way."""

from dataclasses import replace

from sqlalchemy import Connection, select

from contracts.errors import RunNotFoundError
from contracts.runs import RunKind
from records.json_columns import decode_run_options
from records.runs.file_job import FileJob
from records.tables.runs import Run
from records.tables.sources import Source


def stored_job(connection: Connection, run_id: str) -> FileJob:
    """Return the job of a recording's run.

    Raises RunNotFoundError if there is no such run, if it is one of a live source, or if its
    recording was changed while it was read.
    """
    row = connection.execute(
        select(
            Run.identity,
            Run.kind,
            Run.uri,
            Run.content_hash,
            Run.file_state,
            Run.sampling_fps,
            Run.detector,
            Run.model_version,
            Run.options,
            Source.name,
        )
        .join(Source, Source.id == Run.source_pk)
        .where(Run.run_id == run_id)
    ).first()
    if row is None:
        raise RunNotFoundError(f"no run {run_id}", hint="`moodline runs list` shows them")
    if row.kind != RunKind.FILE:
        raise RunNotFoundError(
            f"run {run_id} is of a live source", hint="The source begins further runs by itself"
        )
    if not row.content_hash:
        raise RunNotFoundError(
            f"the recording of run {run_id} was changed while it was read",
            hint="Analyse the file with `moodline analyze`",
        )
    options = decode_run_options(row.options)
    job = FileJob(
        uri=row.uri,
        content_hash=row.content_hash,
        source=row.name,
        source_given=False,
        sampling_fps=row.sampling_fps,
        detector=row.detector,
        model_version=row.model_version,
        options=options.analysis,
        recorded_at=options.recorded_at,
        recorded_at_pattern=options.recorded_at_pattern,
        recorded_at_zone=options.recorded_at_zone,
        file_state=row.file_state,
    )
    # Only the identity says whether the owner named the source.
    given = replace(job, source_given=True)
    return given if given.identity() == row.identity else job
