"""The heartbeats for the pages about sources."""

from broker.bus import Bus
from broker.heartbeats import Heartbeats
from broker.presence import read_heartbeats
from contracts.errors import BrokerError
from records.broker_key import read_broker_key
from serving.backend import Backend


def read_current_heartbeats(backend: Backend) -> tuple[Heartbeats | None, str]:
    """Return the heartbeats and "", or None and why they cannot be read."""
    url = backend.broker_url()
    if not url:
        return Heartbeats(), ""
    try:
        bus = Bus.connect(url, read_broker_key(backend.engine))
        try:
            return read_heartbeats(bus), ""
        finally:
            bus.close()
    except BrokerError as exc:
        return None, exc.line()
