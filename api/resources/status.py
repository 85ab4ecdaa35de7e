"""GET /status: how well the system works."""

from collections import Counter
from datetime import datetime

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from pydantic import Field
from sqlalchemy import Connection

from analytics.health.verdict import Kind, Level, Problem, Verdict
from analytics.runs.run_list import open_run_states
from analytics.snapshots import in_snapshot
from api.access import visible_names, visible_sources
from api.conventions.fields import Answer, example
from runtime.version import moodline_version
from serving.backend import Backend
from serving.shared_verdict import SharedVerdict


class Trouble(Answer):
    """One reason for a health that is not `healthy`."""

    kind: Kind
    level: Level
    subject: str = Field(description="The source, service or folder; empty for the whole system.")
    text: str
    since: datetime | None


class Status(Answer):
    """How well the system works; for a token limited to sources, how well they do."""

    model_config = Answer.model_config | example(
        version="0.1.0",
        health="degraded",
        problems=[
            {
                "kind": "source-offline",
                "level": "degraded",
                "subject": "door",
                "text": "door is away since 08:00.",
                "since": "2026-11-30T08:00:00Z",
            }
        ],
        checked_at="2026-11-30T09:00:00Z",
        open_runs={"queued": 2, "running": 1},
    )

    version: str = Field(description="Of moodline.")
    health: Level
    problems: list[Trouble] = Field(description="The worst first.")
    checked_at: datetime
    open_runs: dict[str, int] = Field(description="Runs that have not ended, by state.")


def add_status(app: FastAPI, backend: Backend) -> None:
    """Add the route."""
    verdict = SharedVerdict(backend.health)

    @app.get("/status", tags=["status"])
    async def get_status() -> Status:
        """The verdict on the system, with its reasons."""
        found = await verdict.newest()
        return await run_in_threadpool(in_snapshot, backend.engine, _status, found)


def _status(connection: Connection, verdict: Verdict) -> Status:
    names = visible_names(connection)
    problems = verdict.problems
    level = verdict.level
    if names is not None:  # Nothing of other sources, nor of the host.
        problems = tuple(one for one in problems if _is_of_a_source(one) and one.subject in names)
        level = Verdict.of(problems, (), verdict.checked_at).level
    return Status(
        version=moodline_version(),
        health=level,
        problems=[Trouble.model_validate(one) for one in problems],
        checked_at=verdict.checked_at,
        open_runs=dict(Counter(open_run_states(connection, within=visible_sources()))),
    )


def _is_of_a_source(problem: Problem) -> bool:
    return problem.kind.startswith("source-")
