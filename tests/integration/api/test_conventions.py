"""The conventions that all operations share: problems, parameters, cursors and validators."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import Request
from pydantic import BaseModel
from sqlalchemy import Engine

from analytics.removal.erasure import erase
from analytics.removal.erasure_scope import ErasureScope
from api.conventions.validators import RollupAnswers
from tests.api_program import SPAN, Program, Site
from tests.integration.api.test_access import PROBLEM, ROUTES, filled


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES, ids=str)
def test_unknown_parameters_are_refused(
    site: Site, limited: Program, method: str, path: str, scope: str
) -> None:
    place = filled(path, "door", site.runs["door"][0].run_id)
    answer = limited.ask(place, method, params={"nonsense": "1"})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == PROBLEM + "invalid-request"
    assert problem["errors"] == [{"field": "query.nonsense", "detail": "unknown parameter"}]


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/timeline", {"from": "yesterday"}),
        ("/timeline", {"from": "now", "to": "now-1h"}),
        ("/timeline", {"step": "7"}),
        ("/timeline", {"step": "60", "from": "now-30d"}),
        ("/timeline", {"from": "now-20y"}),
        ("/timeline", {"zone": "Moon/Base"}),
        ("/heatmap", {"from": "now-2y"}),
        ("/totals", {"compare": "tomorrow"}),
        ("/totals", {"compare": "now/now-1h"}),
        ("/runs", {"limit": "0"}),
        ("/runs", {"limit": "1001"}),
        ("/runs", {"cursor": "abc"}),
        ("/runs", {"cursor": "WyJzb3VyY2VzIiwiZG9vciJd"}),
        ("/runs", {"state": "asleep"}),
    ],
)
def test_an_invalid_value_is_a_problem_that_names_it(
    reader: Program, path: str, wanted: dict[str, str]
) -> None:
    answer = reader.ask(path, params=wanted)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == PROBLEM + "invalid-request" and problem["detail"]


def test_other_failures_are_problems_too(reader: Program) -> None:
    for path, method, status, name in (
        ("/nothing", "GET", 404, "not-found"),
        ("/timeline", "POST", 405, "method-not-allowed"),
        ("/runs/x", "GET", 404, "not-found"),
        ("/sources/attic", "GET", 404, "not-found"),
    ):
        answer = reader.ask(path, method)
        assert (answer.status_code, answer.json()["type"]) == (status, PROBLEM + name)
    large = reader.ask("/runs", "POST", data=b"x" * 300_000)
    assert (large.status_code, large.json()["type"]) == (413, PROBLEM + "too-large")


@pytest.mark.parametrize(
    ("path", "body", "said", "hint"),
    [
        (
            "/sources",
            '{"name": "x", "address": "rtsp://x/"}',
            "body.address: it is not one of the fields",
            "uri",
        ),
        ("/sources", '{"uri": "rtsp://x/"}', "body.name: it is missing", ""),
        ("/sources", '{"name": "", "uri": "rtsp://x/"}', "body.name: it is empty", ""),
        (
            "/sources",
            '{"name": "x", "uri": "rtsp://x/", "fps": 999}',
            "body.fps: use at most 240",
            "",
        ),
        ("/sources", "{bad", "body: it is not valid JSON", ""),
        ("/sources", "[1]", "body: it is not a JSON object", ""),
        (
            "/alerts/rules",
            '{"name": "x", "when": "people > 1", "severity": "bad"}',
            "use 'info'",
            "",
        ),
    ],
)
def test_an_invalid_body_is_named_in_plain_words(
    limited: Program, path: str, body: str, said: str, hint: str
) -> None:
    answer = limited.ask(path, "POST", data=body, headers={"Content-Type": "application/json"})
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (422, PROBLEM + "invalid-request")
    assert said in problem["detail"] and hint in problem["hint"]
    assert "Value error" not in answer.text


def test_an_address_names_its_methods(reader: Program) -> None:
    answer = reader.ask("/sources/door", "POST")
    assert answer.status_code == 405 and answer.headers["allow"] == "DELETE, GET, PATCH"
    assert answer.json()["hint"] == "Use DELETE, GET, PATCH"
    assert "/api/v1/reference" in reader.ask("/nothing").json()["hint"]


def test_hints_name_requests_and_no_commands(reader: Program) -> None:
    for path, hint in (
        ("/runs/x", "List them: GET /runs"),
        ("/sources/attic", "List them: GET /sources"),
        ("/timeline?sources=attic", "List them: GET /sources"),
    ):
        assert reader.ask(path).json()["hint"] == hint


def test_names_are_repeated_or_separated_by_plain_commas(reader: Program) -> None:
    repeated = reader.get("/timeline", **SPAN, sources=["door", "hall"])
    span = "&".join(f"{name}={value}" for name, value in SPAN.items())
    assert reader.ask(f"/timeline?{span}&sources=door,hall").json() == repeated
    escaped = reader.ask("/timeline", params=SPAN | {"sources": "door,hall"})
    assert escaped.status_code == 404, "an escaped comma is part of a name"


def test_an_answer_that_the_client_has_is_not_sent_again(site: Site, reader: Program) -> None:
    first = reader.ask("/timeline", params=SPAN)
    etag = first.headers["etag"]
    assert "no-cache" in first.headers["cache-control"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = reader.ask("/timeline", params=SPAN, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    other = reader.ask("/timeline", params=SPAN, headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.json()) == (200, first.json())


def test_what_was_erased_is_in_no_kept_answer(site: Site, reader: Program) -> None:
    run = site.runs["hall"][1]
    before = reader.ask("/totals", params=SPAN)
    erase(site.engine, ErasureScope(run_id=run.run_id), actor="test")
    after = reader.ask("/totals", params=SPAN)
    assert after.status_code == 200 and after.json() != before.json()
    again = reader.ask("/totals", params=SPAN, headers={"If-None-Match": before.headers["etag"]})
    assert again.status_code == 200, "the client's own answer is not the present one"


def test_relative_ends_are_whole_minutes(reader: Program) -> None:
    found = reader.get("/timeline")
    assert found["until"].endswith(":00Z") and found["since"].endswith(":00Z")


class Number(BaseModel):
    """An answer."""

    number: int


def asking(etag: str = "") -> Request:
    """A request for a rollup."""
    headers = [(b"if-none-match", etag.encode())] if etag else []
    place = {"type": "http", "path": "/timeline", "query_string": b"", "headers": headers}
    return Request(place | {"server": ("localhost", 80), "scheme": "http", "method": "GET"})


def test_what_several_ask_for_is_computed_once(sqlite_engine: Engine) -> None:
    kept = RollupAnswers(sqlite_engine, clock=lambda: 5.0)
    begun, go_on = threading.Event(), threading.Event()
    computed: list[int] = []

    def compute() -> Number:
        computed.append(1)
        begun.set()
        assert go_on.wait(60)
        return Number(number=len(computed))

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(kept.answer, asking(), compute)
        assert begun.wait(60)
        others = [pool.submit(kept.answer, asking(), compute) for _ in range(3)]
        go_on.set()
        bodies = {one.result(60).body for one in (first, *others)}
    assert (computed, bodies) == ([1], {b'{"number":1}'})
    assert not kept._asking


def test_a_failed_question_leaves_nothing(sqlite_engine: Engine) -> None:
    kept = RollupAnswers(sqlite_engine)

    def fails() -> Number:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept.answer(asking(), fails)
    assert not kept._asking


def test_a_validator_is_answered_without_the_database(
    sqlite_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 5.0
    kept = RollupAnswers(sqlite_engine, clock=lambda: now_s)
    etag = kept.answer(asking(), lambda: Number(number=1)).headers["etag"]
    monkeypatch.setattr(kept, "engine", None)
    found = kept.unmodified(asking(etag))
    assert found is not None and (found.status_code, found.body) == (304, b"")
    assert found.headers["etag"] == etag
    assert kept.unmodified(asking()) is None and kept.unmodified(asking('"x"')) is None
    now_s += 1.0
    assert kept.unmodified(asking(etag)) is None, "it is asked for again"
