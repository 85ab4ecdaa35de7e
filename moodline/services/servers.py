"""The check of broker and database when a service starts."""

from broker.bus import Bus
from contracts.errors import SettingsError
from contracts.settings import Settings
from records.database import open_engine
from records.schema import upgrade


def require_servers(settings: Settings) -> None:
    """Connect to both servers once, and upgrade the schema.

    Raises SettingsError if one is not set, BrokerError or DatabaseError if it cannot be reached.
    """
    missing = [
        f"MOODLINE_{name.upper()}"
        for name in ("redis_url", "database_url")
        if not getattr(settings, name)
    ]
    if missing:
        raise SettingsError(
            f"a service needs {' and '.join(missing)}",
            hint="On one machine, `moodline up` and `moodline analyze` need no servers",
        )
    engine = open_engine(settings.effective_database_url)
    upgrade(engine)
    engine.dispose()
    Bus.connect(settings.redis_url).close()
