"""A listener that must see no connection, and an attacker who writes into the broker."""

from collections.abc import Iterator

import pytest
import redis

from broker.bus import Bus
from broker.embedded import EmbeddedBroker
from tests.attacks.broker_attacker import Attacker
from tests.attacks.misleading_hosts import Target


@pytest.fixture
def target() -> Iterator[Target]:
    one = Target()
    yield one
    one.close()


@pytest.fixture
def attacker(bus: Bus, broker: EmbeddedBroker) -> Iterator[Attacker]:
    client = redis.Redis.from_url(broker.url)
    yield Attacker(client, bus.prefix, ["run"])
    client.close()
