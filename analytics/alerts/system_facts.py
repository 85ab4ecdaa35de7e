"""Facts of the whole system: how late the workers are, and how much disk space is free."""

from collections.abc import Mapping

from analytics.health.facts import Facts
from analytics.health.service_rules import young_workers
from contracts.alerts.measures import DISK, LAG


def system_measures(facts: Facts) -> Mapping[str, float | None]:
    """Return the sampled measures by name; None for one that is not known.

    lag: the longest time by which the results of a worker's live frames come late, seconds; 0 if
    they have none. disk: the free space of the fullest disk that moodline writes to, GB.
    """
    return {LAG: _lag_s(facts), DISK: min((one.free / 1e9 for one in facts.disks), default=None)}


def _lag_s(facts: Facts) -> float | None:
    if facts.heartbeats is None or facts.stored is None:
        return None
    young = young_workers(facts.stored, facts.now)
    workers = [one for one in facts.heartbeats.workers if one.id not in young]
    if not workers:
        return None
    return max(one.latency_p95_s or 0.0 for one in workers)
