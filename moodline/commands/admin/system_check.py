"""The part of `moodline doctor` that looks at the running system."""

from collections.abc import Sequence

from analytics.health.verdict import Level, Verdict
from contracts.settings import Settings
from moodline.adapters.system_status import read_verdict
from moodline.commands.admin.installation_checks import Check
from records.database import open_engine


def system_verdict(settings: Settings, checks: Sequence[Check]) -> Verdict | None:
    """Return the verdict on the system; None without a database, which its check has said."""
    if any(check.name == "database" and not check.ok for check in checks):
        return None
    engine = open_engine(settings.effective_database_url)
    try:
        return read_verdict(settings, engine)
    finally:
        engine.dispose()


def overall_level(checks: Sequence[Check], verdict: Verdict | None) -> Level:
    """Return the worst of the checks and the verdict."""
    levels = [check.level for check in checks]
    if verdict is not None:
        levels.append(verdict.level)
    return max(levels, key=lambda level: level.rank)
