"""Queueing the recording of a run again, with the present model and detector."""

from dataclasses import replace

from sqlalchemy import Connection, update

from contracts.analysis_spec import AnalysisSpec
from records.runs.file_job import FileJob
from records.runs.queue import QueuedRun, enqueue_file
from records.runs.stored_job import stored_job
from records.tables.uploads import Upload


def queue_again(
    connection: Connection,
    run_id: str,
    spec: AnalysisSpec,
    lease_s: float,
    *,
    again: bool = False,
) -> tuple[FileJob, QueuedRun]:
    """Queue the recording of a run with the run's own options, apart from model and detector.

    If those of the run are the present ones, the run itself goes on where it stopped. If not, it
    keeps its rows, and its uploads belong to the new run, until whose end the file is kept. again:
    a finished run is not reused. Raises RunNotFoundError.
    """
    job = replace(
        stored_job(connection, run_id), detector=spec.detector, model_version=spec.model_version
    )
    queued = enqueue_file(connection, job, claimant=None, lease_s=lease_s, again=again)
    if queued.run_id != run_id:
        connection.execute(
            update(Upload).where(Upload.run_id == run_id).values(run_id=queued.run_id)
        )
    return job, queued
