"""Metrics of the live sources and of the expressions, for Prometheus.

One service of a system serves them: `moodline up`, or the scheduler that is active. The series are
those of live sources that were not removed, at most MAX_SOURCES, and one of all recordings.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine

from analytics.history.measures import Measures
from analytics.lifetime_sums import MAX_SOURCES, LifetimeSums, lifetime_sums
from analytics.now.live_status import NOT_ANALYZED, UNKNOWN, UNSUPERVISED
from analytics.snapshots import in_snapshot
from contracts.expressions import LABELS
from contracts.live_sources import LiveState
from contracts.settings import Settings
from moodline.adapters.sources_now import SourceNow, SourcesNowReader
from moodline.metrics.fresh_answer import FreshAnswer
from moodline.metrics.growing_counters import GrowingCounters
from records.tables.rollups import DROP_CAUSES

RECORDINGS: Final = "(recordings)"
"""The label `source` of all recordings together."""
STATES: Final = (*map(str, LiveState), NOT_ANALYZED, UNSUPERVISED, UNKNOWN)
_Key = tuple[str, ...]
"""(name of the metric, values of its labels ...)"""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """The facts from which the metrics are made."""

    now: tuple[SourceNow, ...]
    sums: LifetimeSums


def read_source_facts(settings: Settings, engine: Engine) -> Callable[[], SourceFacts]:
    """Return a function that reads the facts; it raises DatabaseError."""
    reader = SourcesNowReader(settings, engine)
    return lambda: SourceFacts(
        tuple(reader.read()[:MAX_SOURCES]), in_snapshot(engine, lifetime_sums)
    )


class SourceMetrics(Collector):
    """Collects the series of this moment.

    read: blocks. is_active: whether this service serves them now.
    """

    def __init__(
        self, read: Callable[[], SourceFacts], is_active: Callable[[], bool] = lambda: True
    ) -> None:
        self._facts = FreshAnswer(read)
        self._is_active = is_active
        self._counters: GrowingCounters[_Key] = GrowingCounters()

    def describe(self) -> Iterable[Metric]:
        """Return the metrics without values: nothing is read to register them."""
        return [*_states(()), *_counter_families({})]

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; none while the facts cannot be read. Blocks for 2 s at most."""
        facts = self._facts.look() if self._is_active() else None
        if facts is None:
            return
        yield from _states(facts.now)
        yield from _counter_families(self._counters.update(_totals(facts.sums)))


def _states(now: Iterable[SourceNow]) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "moodline_source_up",
        "1 while the source delivers frames that are analysed.",
        labels=["source"],
    )
    state = GaugeMetricFamily(
        "moodline_source_state",
        "1 for the state that the source is in, else 0.",
        labels=["source", "state"],
    )
    fps = GaugeMetricFamily(
        "moodline_source_fps", "Frames that recently arrived per second.", labels=["source"]
    )
    age = GaugeMetricFamily(
        "moodline_source_last_frame_age_seconds", "Age of the newest frame.", labels=["source"]
    )
    people = GaugeMetricFamily(
        "moodline_source_people", "People in the newest frame.", labels=["source"]
    )
    for one in now:
        name = [one.status.name]
        up.add_metric(name, float(one.is_streaming))
        for known in STATES:
            state.add_metric([*name, known], float(one.status.state == known))
        fps.add_metric(name, one.status.fps)
        if one.status.last_frame_age_s is not None:
            age.add_metric(name, one.status.last_frame_age_s)
        if one.view is not None:
            people.add_metric(name, one.view.people)
    yield from (up, state, fps, age, people)


_COUNTERS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "moodline_source_frames": (
        "Frames, by outcome: analyzed, sampled_out or dropped.",
        ("source", "outcome"),
    ),
    "moodline_source_drops": ("Dropped frames, by cause.", ("source", "cause")),
    "moodline_source_analyzed_seconds": ("Time that was analysed.", ("source",)),
    "moodline_source_occupied_seconds": ("Analysed time with a face in view.", ("source",)),
    "moodline_person_seconds": (
        "Person-seconds, by smoothed expression.",
        ("source", "expression"),
    ),
}


def _totals(sums: LifetimeSums) -> dict[_Key, float]:
    """Return the totals by metric and labels."""
    totals: dict[_Key, float] = {}
    for name, measures in (*sums.live.items(), (RECORDINGS, sums.recordings)):
        for metric, labels, total in _totals_of(measures):
            totals[f"moodline_{metric}", name, *labels] = total
    return totals


def _totals_of(measures: Measures) -> Iterator[tuple[str, tuple[str, ...], float]]:
    dropped = measures.dropped
    yield "source_frames", ("analyzed",), measures.frames
    yield "source_frames", ("sampled_out",), measures.sampled_out
    yield "source_frames", ("dropped",), sum(dropped.values())
    for cause in DROP_CAUSES:
        yield "source_drops", (cause,), dropped.get(cause, 0)
    yield "source_analyzed_seconds", (), measures.analyzed_s
    yield "source_occupied_seconds", (), measures.occupied_s
    for label in LABELS:
        yield "person_seconds", (label,), measures.person_s[label]


def _counter_families(counters: Mapping[_Key, float]) -> list[Metric]:
    families = {
        name: CounterMetricFamily(name, text, labels=labels)
        for name, (text, labels) in _COUNTERS.items()
    }
    for (name, *labels), value in counters.items():
        families[name].add_metric(labels, value)
    return [*families.values()]
