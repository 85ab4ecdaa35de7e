"""GET /timeline and GET /moments: a range in equal steps, and its most surprising changes."""

from datetime import datetime
from typing import Annotated

from fastapi import FastAPI, Query, Request, Response
from pydantic import Field
from sqlalchemy import Connection

from analytics.history.moments import MOOD, moments
from analytics.history.source_selection import history_sources
from analytics.history.timeline import Bucket as FoundBucket
from analytics.history.timeline import Timeline as FoundTimeline
from analytics.history.timeline import timeline
from analytics.snapshots import in_snapshot
from api.conventions.fields import Answer
from api.conventions.validators import RollupAnswers
from api.resources.history.arguments import AskedRange, SteppedArguments
from api.resources.history.measured import Asked, Covered, Named, Share, covered
from serving.access import current_account
from serving.backend import Backend

_MAX_MOMENTS = 100


class Bucket(Covered):
    """One step."""

    begin: datetime
    end: datetime
    partly_in_range: bool = Field(description="Whether it extends beyond the range.")


class Series(Named):
    """The steps of one source, or of all sources with one tag together."""

    buckets: list[Bucket]


class Timeline(Asked):
    """A range in equal steps, including empty ones."""

    step_s: int = Field(description="Seconds of a step; a day or week may differ by an hour.")
    series: list[Series]


class MomentArguments(SteppedArguments):
    """A range in equal steps, and how many moments are wanted."""

    limit: Annotated[int, Field(ge=1, le=_MAX_MOMENTS, description="Most moments.")] = 10


class Moment(Answer):
    """A change of a series' shares between two neighbouring steps."""

    source: str = Field(description="The source, or `tag NAME` for all sources with a tag.")
    at: datetime
    label: str = Field(
        description="The expression that changed most.", json_schema_extra={"enum": [*MOOD]}
    )
    before: Share = Field(description="Its share in the step before.")
    now: Share
    change: Share = Field(description="Half the sum of the differences of all shares.")
    surprise: float = Field(description="How unlikely it is by chance: a likelihood ratio.")


class Moments(Asked):
    """The most surprising changes of a range, the most surprising first."""

    step_s: int
    moments: list[Moment]


def add_timeline(app: FastAPI, backend: Backend, kept: RollupAnswers) -> None:
    """Add the routes."""
    zone = backend.settings.timezone

    @app.get("/timeline", response_model=Timeline, tags=["history"])
    def get_timeline(asked: Annotated[SteppedArguments, Query()], request: Request) -> Response:
        """A range in equal steps, for each source, and for each tag."""
        span = AskedRange.of(asked, request, zone)
        within = current_account().sources
        return kept.answer(
            request, lambda: in_snapshot(backend.engine, _timeline, span, asked.step, within)
        )

    @app.get("/moments", response_model=Moments, tags=["history"])
    def get_moments(asked: Annotated[MomentArguments, Query()], request: Request) -> Response:
        """The most surprising changes of expression in a range."""
        span = AskedRange.of(asked, request, zone)
        within = current_account().sources
        return kept.answer(
            request,
            lambda: in_snapshot(backend.engine, _moments, span, asked.step, within, asked.limit),
        )


def _found(
    connection: Connection, span: AskedRange, step_s: int | None, within: frozenset[int] | None
) -> FoundTimeline:
    return timeline(
        connection,
        span.since,
        span.until,
        span.zone,
        sources=span.sources,
        groups=span.tags,
        step_s=step_s,
        within=within,
    )


def _timeline(
    connection: Connection, span: AskedRange, step_s: int | None, within: frozenset[int] | None
) -> Timeline:
    found = _found(connection, span, step_s, within)
    known = history_sources(connection, within=within)
    generated = {one.name for one in known if one.generated}
    generated_tags = {tag for one in known if one.generated for tag in one.tags}
    sources = [
        Series(source=name, tag=None, generated=name in generated, buckets=_buckets(buckets))
        for name, buckets in sorted(found.series.items())
    ]
    tags = [
        Series(source=None, tag=tag, generated=tag in generated_tags, buckets=_buckets(buckets))
        for tag, buckets in sorted(found.groups.items())
    ]
    return Timeline(
        since=found.since,
        until=found.until,
        zone=str(span.zone),
        step_s=found.step_s,
        series=[*sources, *tags],
    )


def _moments(
    connection: Connection,
    span: AskedRange,
    step_s: int | None,
    within: frozenset[int] | None,
    limit: int,
) -> Moments:
    found = _found(connection, span, step_s, within)
    return Moments(
        since=found.since,
        until=found.until,
        zone=str(span.zone),
        step_s=found.step_s,
        moments=[Moment.model_validate(one) for one in moments(found, limit)],
    )


def _buckets(buckets: tuple[FoundBucket, ...]) -> list[Bucket]:
    return [
        Bucket(
            begin=one.begin,
            end=one.end,
            partly_in_range=one.partial,
            **covered(one.measures, one.expected_s, one.coverage),
        )
        for one in buckets
    ]
