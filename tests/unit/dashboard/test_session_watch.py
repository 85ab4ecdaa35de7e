"""The session watch ends the answers of ended sessions, and no other ones."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from contracts.errors import DatabaseError
from dashboard.web.sign_in.session_watch import SessionWatch, keep_answer
from records.users.accounts import AuthenticatedUser
from records.users.roles import Role
from serving.access import Account

VIC = AuthenticatedUser(1, "vic", Role.VIEWER)


class Sessions:
    """Sessions s1, s2, ... of Vic. asked: those of each check."""

    def __init__(self) -> None:
        self.open: dict[str, AuthenticatedUser] = {"s1": VIC, "s2": VIC}
        self.asked: list[set[str]] = []
        self.ended: list[str] = []
        self.error: Exception | None = None
        self.watch = SessionWatch(self.users, self.ended.append)

    def users(self, sessions: Collection[str]) -> Mapping[str, AuthenticatedUser]:
        self.asked.append(set(sessions))
        if self.error is not None:
            raise self.error
        return {one: self.open[one] for one in sessions if one in self.open}


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> Sessions:
    monkeypatch.setattr("dashboard.web.sign_in.session_watch._CHECK_EVERY_S", 0.001)
    return Sessions()


async def endless(_scope: Any, _receive: Any, send: Any) -> None:
    """Send a body that never ends."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await asyncio.sleep(0.001)


class Client:
    """Takes an answer. begun: set with its first part."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.begun = asyncio.Event()

    async def send(self, message: Any) -> None:
        self.messages.append(message)
        self.begun.set()


def answer(sessions: Sessions, session: str, app: Any, client: Client) -> "asyncio.Task[None]":
    account = Account("vic", Role.VIEWER, session, VIC)
    coroutine = sessions.watch.answer(account, app, {"type": "http"}, None, client.send)  # type: ignore[arg-type]
    return asyncio.create_task(coroutine)


@pytest.mark.parametrize("changed", [None, AuthenticatedUser(1, "vic", Role.ADMIN)])
def test_a_download_ends_incomplete_with_its_session(
    sessions: Sessions, changed: AuthenticatedUser | None
) -> None:
    async def scenario() -> None:
        first, second = Client(), Client()
        ended = answer(sessions, "s1", endless, first)
        other = answer(sessions, "s2", endless, second)
        await asyncio.gather(first.begun.wait(), second.begun.wait())
        if changed is None:
            del sessions.open["s1"]
        else:
            sessions.open["s1"] = changed
        await ended
        assert all(one.get("more_body", True) for one in first.messages), "no whole body"
        assert not other.done() and sessions.ended == ["s1"]
        other.cancel()

    asyncio.run(scenario())


def test_an_answer_that_has_not_begun_says_that_the_session_ended(sessions: Sessions) -> None:
    async def scenario() -> None:
        gone = asyncio.Event()

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            await gone.wait()
            await endless(scope, receive, send)

        client = Client()
        waiting = answer(sessions, "s1", slow, client)
        await asyncio.sleep(0)
        del sessions.open["s1"]
        while not sessions.ended:
            await asyncio.sleep(0.001)
        gone.set()
        await waiting
        start, body = client.messages
        assert start["status"] == 401 and b"signed out" in body["body"]

    asyncio.run(scenario())


def test_a_request_that_ends_its_own_session_is_answered(sessions: Sessions) -> None:
    async def scenario() -> None:
        async def sign_out(_scope: Any, _receive: Any, send: Any) -> None:
            await asyncio.to_thread(keep_answer)  # As routes that are no coroutines.
            del sessions.open["s1"]
            while not sessions.ended:
                await asyncio.sleep(0.001)
            await send({"type": "http.response.start", "status": 303, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        client, other = Client(), Client()
        stream = answer(sessions, "s1", endless, other)
        await other.begun.wait()
        await answer(sessions, "s1", sign_out, client)
        await stream
        assert client.messages[0]["status"] == 303 and len(client.messages) == 2

    asyncio.run(scenario())


def test_one_query_checks_all_answers_of_all_sessions(sessions: Sessions) -> None:
    async def scenario() -> None:
        clients = [Client() for _ in range(20)]
        tasks = [answer(sessions, f"s{1 + at % 2}", endless, one) for at, one in enumerate(clients)]
        await asyncio.gather(*(one.begun.wait() for one in clients))
        sessions.asked.clear()
        while len(sessions.asked) < 2:
            await asyncio.sleep(0.001)
        assert sessions.asked[0] == {"s1", "s2"}
        for one in tasks:
            one.cancel()

    asyncio.run(scenario())


def test_answers_outlive_a_short_failure_of_the_database_only(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        client = Client()
        task = answer(sessions, "s1", endless, client)
        await client.begun.wait()
        sessions.error = DatabaseError("the database is away")
        sessions.asked.clear()
        while len(sessions.asked) < 3:
            await asyncio.sleep(0.001)
        assert not task.done()
        monkeypatch.setattr("dashboard.web.sign_in.session_watch._UNCHECKED_S", 0.0)
        await task

    asyncio.run(scenario())
