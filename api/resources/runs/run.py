"""Run: one run as the API shows it, in short and in numbers."""

from collections.abc import Collection
from datetime import datetime
from typing import TypeVar

from pydantic import Field

from analytics.runs.run_list import RunLine
from analytics.runs.run_summary import RunSummary
from api.conventions.fields import Answer, example
from contracts.runs import RunKind, RunState


class Run(Answer):
    """A run in a list."""

    model_config = Answer.model_config | example(
        run_id="0a1b2c3d4e5f60718293a4b5",
        source="interview",
        path="/videos/interview.mp4",
        kind="file",
        state="running",
        error="",
        frames_total=3000,
        frames_analyzed=1200,
        faces=1150,
        duration_s=120.0,
        recorded_at="2026-11-30T08:00:00Z",
        recorded_at_origin="file",
        recorded_in_future=False,
        queued_at="2026-11-30T09:00:00Z",
        started_at="2026-11-30T09:00:01Z",
        finished_at=None,
        copy_of=None,
        copy_of_source=None,
    )

    run_id: str
    source: str
    path: str = Field(description="Where it is read, without credentials.")
    kind: str = Field(json_schema_extra={"enum": [*RunKind]})
    state: RunState
    error: str
    frames_total: int | None
    frames_analyzed: int
    faces: int = Field(description="Faces that count.")
    duration_s: float | None
    recorded_at: datetime | None
    recorded_at_origin: str | None = Field(description="How recorded_at is known.")
    recorded_in_future: bool
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    copy_of: str | None = Field(description="The run whose rows it got: the content is the same.")
    copy_of_source: str | None


class Emotions(Answer):
    """Person-seconds by expression."""

    angry: float
    disgust: float
    fear: float
    happy: float
    sad: float
    surprise: float
    neutral: float
    uncertain: float


class FrameCounts(Answer):
    """The frames by outcome: captured = analysed + sampled out + dropped."""

    captured: int
    sampled_out: int
    dropped: dict[str, int]
    analyzed_s: float
    uncertain_share: float | None


class LeftOut(Answer):
    """The tracks that are in no other number."""

    static_tracks: int
    static_faces: int
    tentative: int = Field(description="Tracks that were seen in one frame only.")


class Summary(Run):
    """One run in numbers."""

    model_config = Answer.model_config

    tracks: int
    emotions: Emotions
    coverage: FrameCounts
    detector: str
    model_version: str
    sampling_fps: float | None
    left_out: LeftOut


Found = TypeVar("Found", bound=Run)


def run_of(line: RunLine, names: Collection[str] | None) -> Run:
    """Return a run. names: the only sources that the asker sees; None for all."""
    return _hidden(Run.model_validate(line), names)


def summary_of(found: RunSummary, names: Collection[str] | None) -> Summary:
    """Return a run's numbers. names: as above."""
    return _hidden(Summary.model_validate(found), names)


def _hidden(run: Found, names: Collection[str] | None) -> Found:
    """Hide the run that it is a copy of, if the asker does not see its source."""
    if names is None or run.copy_of_source in names:
        return run
    return run.model_copy(update={"copy_of": None, "copy_of_source": None})
