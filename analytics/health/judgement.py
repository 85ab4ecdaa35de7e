"""The judgement: the verdict that follows from the facts, by all rules."""

from analytics.health.facts import Facts
from analytics.health.service_rules import server_problems, service_problems
from analytics.health.source_rules import source_problems
from analytics.health.upkeep_rules import disk_problems, upkeep_problems
from analytics.health.verdict import Verdict

_RULES = (server_problems, service_problems, source_problems, disk_problems, upkeep_problems)


def judge(facts: Facts) -> Verdict:
    """Return the verdict. It reads nothing, and depends on these facts alone."""
    problems = [one for rule in _RULES for one in rule(facts)]
    return Verdict.of(problems, _unknown(facts), facts.now)


def _unknown(facts: Facts) -> tuple[str, ...]:
    """Return what cannot be known because a server is away."""
    unknown = []
    if facts.servers.database_error:
        unknown += ["sources", "runs", "jobs", "workers", "services"]
    elif facts.servers.broker_error:
        unknown += ["sources", "workers", "services"]
    return tuple(unknown)
