"""Fair shares of the dashboard's work: nobody waits because another user asks for much."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from contracts.errors import ServerBusyError, TooManyRequestsError
from serving.shares import FairShare, Work


async def settled() -> None:
    """Let all tasks run until they wait."""
    for _ in range(10):
        await asyncio.sleep(0)


class Requests:
    """Requests to a share: begun in tasks, ended by the test."""

    def __init__(self, work: Work) -> None:
        self.share = FairShare(work)
        self.served: list[str] = []

    def ask(self, user: str) -> "asyncio.Task[None]":
        async def wait() -> None:
            await self.share.begin(user)
            self.served.append(user)

        return asyncio.create_task(wait())


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())  # type: ignore[arg-type]


def test_another_user_is_served_before_the_next_requests_of_a_greedy_one() -> None:
    async def test() -> None:
        requests = Requests(Work("exports", at_once=3, each=2, waiting=5))
        greedy = [requests.ask("greedy") for _ in range(6)]
        await settled()
        assert requests.served == ["greedy"] * 2, "one place stays free for others"
        requests.ask("honest")
        await settled()
        assert requests.served[2:] == ["honest"]
        others = [requests.ask("honest"), requests.ask("third")]
        await settled()
        requests.share.end("greedy")
        await settled()
        assert requests.served[3:] == ["third"], "the user with the least work is next"
        for one in (*greedy, *others):
            one.cancel()

    run(test)


def test_a_user_with_too_many_is_refused_at_once() -> None:
    async def test() -> None:
        requests = Requests(Work("exports", at_once=3, each=2, waiting=1))
        for _ in range(3):
            requests.ask("greedy")
        await settled()
        with pytest.raises(TooManyRequestsError, match="3 exports at once"):
            await requests.share.begin("greedy")
        await requests.share.begin("honest")

    run(test)


def test_work_that_does_not_wait_is_refused_while_the_server_is_full() -> None:
    async def test() -> None:
        share = FairShare(Work("streams", at_once=2, each=2, waiting=0))
        await share.begin("one")
        await share.begin("two")
        with pytest.raises(ServerBusyError, match="2 streams") as caught:
            await share.begin("three")
        assert not isinstance(caught.value, TooManyRequestsError)
        share.end("one")
        await share.begin("three")

    run(test)


def test_a_request_that_leaves_the_queue_takes_no_place() -> None:
    async def test() -> None:
        requests = Requests(Work("exports", at_once=1, each=1, waiting=3))
        await requests.share.begin("one")
        gone, late = requests.ask("two"), requests.ask("two")
        await settled()
        gone.cancel()
        await settled()
        requests.share.end("one")
        await late
        assert requests.served == ["two"]
        cancelled = requests.ask("one")
        await settled()
        requests.share.end("two")
        cancelled.cancel()  # Its turn came, and it is cancelled before it runs.
        await settled()
        await requests.share.begin("three")

    run(test)


def test_a_turn_that_does_not_come_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("serving.shares.MAX_WAIT_S", 0.0)

    async def test() -> None:
        share = FairShare(Work("exports", at_once=1, each=1, waiting=3))
        await share.begin("one")
        with pytest.raises(ServerBusyError, match="its limit"):
            await share.begin("two")
        share.end("one")
        await share.begin("three")

    run(test)
