"""GET /totals: a whole range of each source, next to an earlier one; GET /coverage."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from pydantic import Field
from sqlalchemy import Connection

from analytics.comparison.earlier_times import EarlierTime
from analytics.comparison.verdict import verdict_on
from analytics.comparison.verdict_json import verdict_json
from analytics.history.coverage import coverage
from analytics.history.measures import combine
from analytics.history.totals import Total as FoundTotal
from analytics.history.totals import grouped_totals, totals
from analytics.snapshots import in_snapshot
from api.conventions.fields import Answer
from api.conventions.validators import RollupAnswers
from api.resources.history.arguments import AskedRange, ComparedArguments, RangeArguments
from api.resources.history.measured import (
    Asked,
    Covered,
    Measured,
    Named,
    Seconds,
    Share,
    covered,
    measured,
    named,
)
from serving.access import current_account
from serving.backend import Backend

Within = frozenset[int] | None


class Total(Named, Covered):
    """The whole range of a source, or of all sources with a tag."""

    before: Measured | None = Field(description="The earlier time; `null` if none was asked for.")
    comparable: bool = Field(description="Whether both times are covered enough to compare.")


class Both(Answer):
    """A number of the range and of the earlier time."""

    now: float | None
    before: float | None


class LabelChange(Both):
    """The share of a label in both times."""

    change: float | None
    margin: float | None = Field(description="Half of the 95 % interval around the change.")
    clear: bool = Field(description="Whether the change is larger than its margin.")


class Verdict(Answer):
    """Whether the range was happier than the earlier time, with people as samples."""

    verdict: str = Field(examples=["Happier than yesterday: happy 31 % (+6 ± 4 points), ..."])
    basis: str
    outcome: str = Field(json_schema_extra={"enum": ["higher", "lower", "similar", "unclear"]})
    reason: str = Field(description="Why the outcome is unclear; empty if it is clear.")
    since: datetime
    until: datetime
    name: str = Field(examples=["yesterday"])
    confidence: float
    uncertainty_from: str
    shares: dict[str, LabelChange]
    clearest_other: str | None
    tracks: Both
    effective_tracks: Both
    coverage: Both
    person_s: Both
    derived_valence: Both


class Totals(Asked):
    """Each source, those with the most person-seconds first, and all of them together."""

    totals: list[Total]
    together: Covered
    comparison: Verdict | None = Field(description="`null` with `compare=none`.")


class SourceCoverage(Named):
    """How much of a source was analysed, and what became of its frames."""

    covered: Share
    expected_s: Seconds
    analyzed_s: Seconds
    up_s: Seconds = Field(description="Live sources: seconds in which frames arrived.")
    watched_s: Seconds = Field(description="Live sources: seconds in which they were supervised.")
    captured: int
    analyzed: int
    sampled_out: int
    dropped: dict[str, int] = Field(description="Frames by cause.")


class Coverage(Asked):
    """The coverage of each source: captured = analysed + sampled out + dropped."""

    sources: list[SourceCoverage]


def add_totals(app: FastAPI, backend: Backend, kept: RollupAnswers) -> None:
    """Add the routes."""
    zone = backend.settings.timezone

    @app.get("/totals", response_model=Totals, tags=["history"])
    def get_totals(asked: Annotated[ComparedArguments, Query()], request: Request) -> Response:
        """A whole range of each source, next to an earlier one."""
        span = AskedRange.of(asked, request, zone)
        earlier, within = span.earlier(asked.compare), current_account().sources
        return kept.answer(
            request, lambda: in_snapshot(backend.engine, _totals, span, earlier, within)
        )

    @app.get("/coverage", response_model=Coverage, tags=["history"])
    def get_coverage(asked: Annotated[RangeArguments, Query()], request: Request) -> Response:
        """How much of each source was analysed in a range, and why not the rest."""
        span = AskedRange.of(asked, request, zone)
        within = current_account().sources
        return kept.answer(request, lambda: in_snapshot(backend.engine, _coverage, span, within))


def _totals(
    connection: Connection, span: AskedRange, earlier: EarlierTime | None, within: Within
) -> Totals:
    lines = totals(
        connection,
        span.since,
        span.until,
        sources=span.sources,
        tags=span.tags,
        earlier=None if earlier is None else (earlier.since, earlier.until),
        within=within,
    )
    ends = (span.since, span.until)
    judged = verdict_on(connection, lines, ends, earlier) if lines and earlier else None
    rows = grouped_totals(lines, sources=span.sources, groups=span.tags)
    together = combine(line.now for line in lines)
    expected_s = sum(line.expected_s for line in lines)
    share = coverage(together.analyzed_s, expected_s)
    return Totals(
        since=span.since,
        until=span.until,
        zone=str(span.zone),
        totals=[_total(one, compared=earlier is not None) for one in rows],
        together=Covered(**covered(together, expected_s, share)),
        comparison=None if judged is None else Verdict.model_validate(verdict_json(judged)),
    )


def _total(line: FoundTotal, *, compared: bool) -> Total:
    fields: dict[str, Any] = named(line.source) | covered(line.now, line.expected_s, line.coverage)
    before = Measured(**measured(line.before)) if compared else None
    return Total(**fields, before=before, comparable=compared and line.comparable)


def _coverage(connection: Connection, span: AskedRange, within: Within) -> Coverage:
    lines = totals(
        connection, span.since, span.until, sources=span.sources, tags=span.tags, within=within
    )
    rows = grouped_totals(lines, sources=span.sources, groups=span.tags)
    found = [
        SourceCoverage(
            **named(line.source),
            covered=round(line.coverage, 4),
            expected_s=round(line.expected_s, 3),
            analyzed_s=round(line.now.analyzed_s, 3),
            up_s=line.now.up_s,
            watched_s=line.now.watched_s,
            captured=line.now.captured,
            analyzed=line.now.frames,
            sampled_out=line.now.sampled_out,
            dropped=dict(line.now.dropped),
        )
        for line in rows
    ]
    return Coverage(since=span.since, until=span.until, zone=str(span.zone), sources=found)
