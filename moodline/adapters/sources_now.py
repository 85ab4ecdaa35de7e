"""The live sources now, for other programs: their states, and the people in view."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from analytics.now.live_status import LiveStatus, live_status
from analytics.now.people_in_view import PeopleInView, people_in_view
from analytics.snapshots import in_snapshot
from broker.bus import Bus
from broker.heartbeats import Heartbeats
from broker.live_view import SourceView
from broker.presence import read_heartbeats
from contracts.errors import BrokerError
from contracts.live_sources import LiveSource, LiveState
from contracts.settings import Settings
from moodline.stack.running_stack import running_broker
from records.broker_key import read_broker_key
from records.sources.live_sources import live_sources


@dataclass(frozen=True, slots=True)
class SourceNow:
    """A live source. view: the people in its newest frame; None while none is current."""

    source: LiveSource
    status: LiveStatus
    view: PeopleInView | None

    @property
    def is_streaming(self) -> bool:
        """Whether frames arrive and are analysed."""
        return self.status.state == LiveState.STREAMING


class SourcesNowReader:
    """Reads the live sources again and again. Not for several threads at once."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self._bus: Bus | None = None
        self._bus_url = ""

    def read(self) -> Sequence[SourceNow]:
        """Return the sources by name. Without a broker, their states are unknown. Blocks.

        Raises DatabaseError.
        """
        sources = {one.name: one for one in live_sources(self._engine)}
        heartbeats: Heartbeats | None = Heartbeats()
        views: dict[str, SourceView] = {}
        try:
            if (bus := self._connected()) is not None:
                heartbeats = read_heartbeats(bus)
                views = SourceView.newest_of(bus, sorted(sources))
        except BrokerError:  # The verdict on the system reports it.
            self.close()
            heartbeats = None
        return [
            SourceNow(sources[one.name], one, _people(one, views.get(one.name)))
            for one in in_snapshot(self._engine, live_status, heartbeats)
            if one.name in sources
        ]

    def close(self) -> None:
        """Close the connection to the broker."""
        if self._bus is not None:
            self._bus.close()
        self._bus, self._bus_url = None, ""

    def _connected(self) -> Bus | None:
        """Return a connection to the broker that runs now; None if none does."""
        url = running_broker(self._settings)
        if url != self._bus_url:
            self.close()
        if url and self._bus is None:
            self._bus, self._bus_url = Bus.connect(url, read_broker_key(self._engine)), url
        return self._bus


def _people(status: LiveStatus, view: SourceView | None) -> PeopleInView | None:
    if view is None or status.state != LiveState.STREAMING:
        return None
    return people_in_view(view.readings)
