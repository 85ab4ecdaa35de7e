"""The catalogues are complete, and their translations have the places and forms of the English."""

import re
from contextvars import copy_context
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from analytics.health.facts import DeadLetters, Disk, Facts, JobFact, Servers, SilentTarget
from analytics.health.judgement import judge
from analytics.health.verdict import Kind
from broker.heartbeats import Heartbeats
from dashboard.language.catalogues import FOLDER, catalogue
from dashboard.language.core.recognition import known
from dashboard.language.extraction import extracted
from dashboard.language.offered import ENGLISH, LANGUAGES, viewing
from dashboard.language.words import _, label_name, n_, parts, set_viewing
from records.audit_actions import Action
from tests.unit.analytics.test_health import (
    ALIVE,
    CAM,
    NOW,
    RUN,
    WORKER,
    facts,
    seen,
    service,
)

TRANSLATED = [one for one in LANGUAGES if one != ENGLISH]
PLACES = re.compile(r"\{(\w+)\}")


def in_language(tag: str, *calls: object) -> list[str]:
    """Call the functions as in a request of a viewer with this language."""

    def run() -> list[str]:
        set_viewing(viewing("", tag))
        return [str(one()) for one in calls]  # type: ignore[operator]

    return copy_context().run(run)


@cache
def messages(language: str) -> list[Message]:
    with (FOLDER / f"{language}.po").open("rb") as file:
        return [one for one in read_po(file, locale=language) if one.id]


def english(message: Message) -> tuple[str, ...]:
    return message.id if isinstance(message.id, tuple) else (message.id,)


def translations(message: Message) -> tuple[str, ...]:
    return message.string if isinstance(message.string, tuple) else (message.string,)


@cache
def texts_of_the_pages() -> set[Any]:
    return {one.id for one in extracted() if one.id}


@pytest.mark.parametrize("language", TRANSLATED)
def test_each_text_of_the_pages_is_translated(language: str) -> None:
    """`python -m dashboard.language.extraction` adds new texts, for a translator to fill in."""
    texts = texts_of_the_pages()
    known_texts = {one.id for one in messages(language)}
    assert texts - known_texts == set(), "not in the catalogue"
    assert known_texts - texts == set(), "not in any page any more"
    empty = [english(one)[0] for one in messages(language) if not all(translations(one))]
    assert not empty
    assert not [english(one)[0] for one in messages(language) if one.fuzzy]


@pytest.mark.parametrize("language", TRANSLATED)
def test_translations_have_the_places_of_the_english_text(language: str) -> None:
    wrong = [
        (english(one)[0], translation)
        for one in messages(language)
        for translation in translations(one)
        if _places(translation) not in [_places(text) for text in english(one)]
        or translation.count("{") != len(PLACES.findall(translation))
    ]
    assert not wrong


def _places(text: str) -> list[str]:
    return sorted(PLACES.findall(text))


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_plural_has_all_forms_of_its_language(language: str) -> None:
    forms = {one.pluralizable: len(translations(one)) for one in messages(language)}
    assert forms[True] == {"zh": 1}.get(language, 2)
    assert forms[False] == 1


@pytest.mark.parametrize("language", TRANSLATED)
def test_texts_begin_and_end_as_in_english(language: str) -> None:
    """A lost end shows half a translation."""
    ends = {".": ".。", "?": "??？", "…": "…"}
    wrong = [
        (english(one)[-1], translation)
        for one in messages(language)
        for translation in translations(one)
        if (text := english(one)[-1].strip())[-1:] in ends
        and translation.strip()[-1] not in ends[text[-1]] + ")）"
    ]
    assert not wrong


def test_what_a_request_accepts_decides_unless_a_language_was_chosen() -> None:
    assert viewing("", "de-AT,de;q=0.9,en;q=0.8").language == "de"
    assert str(viewing("", "de-AT,de;q=0.9").locale) == "de_AT"
    assert viewing("", "sv-SE,sv;q=0.9,fr;q=0.3,en;q=0.2").language == "fr"
    assert viewing("es", "de-DE").language == "es"
    assert str(viewing("es", "de-DE").locale) == "es"
    assert viewing("xx", "sv").language == ENGLISH
    assert viewing("", "de;q=0,en").language == ENGLISH
    assert viewing("", "zh-CN").tag == "zh-Hans"


@given(st.text(max_size=60), st.text(max_size=200))
def test_no_cookie_and_no_header_is_an_error(chosen: str, accepted: str) -> None:
    assert viewing(chosen, accepted).language in LANGUAGES


def test_texts_and_plurals_are_those_of_the_viewer() -> None:
    found = in_language(
        "de-DE",
        lambda: _("Sign out"),
        lambda: n_("{count} face", "{count} faces", 1),
        lambda: n_("{count} face", "{count} faces", 12345),
        lambda: label_name("happy"),
        lambda: parts("Compared with {name}", name="x"),
    )
    assert found == [
        "Abmelden",
        "1 Gesicht",
        "12.345 Gesichter",
        "Freude",
        "['Verglichen mit: ', 'x']",
    ]
    assert in_language("fr-FR", lambda: n_("{count} face", "{count} faces", 0)) == ["0 visage"]
    assert in_language("zh-CN", lambda: n_("{count} face", "{count} faces", 2)) == ["2 张人脸"]
    assert in_language("sv-SE", lambda: _("Sign out")) == ["Sign out"]


def test_messages_of_other_packages_are_recognised() -> None:
    """As a whole, as sentences, as clauses, and in the values of another message."""
    texts = {
        "user 'ada' already exists. Change it: moodline user password 'ada'": (
            "Benutzer 'ada' gibt es schon. Ändern: moodline user password 'ada'"
        ),
        "No worker is running: no frame is analysed. The last one was on h, process 7.": (
            "Es läuft kein Worker: Es wird kein Frame analysiert. Der letzte war auf h, Prozess 7."
        ),
        "Mostly neutral (62 % of 41.3 person-seconds); 9 % uncertain; under 1 % of the recording "
        "was analysed.": (
            "Meist neutral (62 % von 41,3 Personensekunden); 9 % unsicher; unter 1 % der Aufnahme "
            "wurden analysiert."
        ),
        "door is offline: frozen: it repeats what it sent before.": (
            "door ist offline: eingefroren: sie wiederholt, was sie vorher gesendet hat."
        ),
        "2.5 is offline: paused by its owner.": "2.5 ist offline: vom Besitzer angehalten.",
        "nobody knows this text; it stays": "nobody knows this text; it stays",
    }
    found = in_language("de-DE", *(lambda text=text: known(text) for text in texts))
    assert found == list(texts.values())
    assert in_language("en-GB", *(lambda text=text: known(text) for text in texts)) == list(texts)


@given(st.text(max_size=80))
def test_any_text_may_be_asked_for(text: str) -> None:
    (found,) = in_language("de-DE", lambda: known(text))
    assert isinstance(found, str)


@pytest.mark.parametrize("action", list(Action))
def test_each_action_of_the_audit_has_a_name(action: str) -> None:
    assert action in catalogue("de").texts


def test_each_problem_of_the_verdict_is_recognised() -> None:
    problems = [one for facts in _facts_of_all_kinds() for one in judge(facts).problems]
    assert {one.kind for one in problems} == set(Kind)
    texts = {one.text for one in problems} | {one.remedy.label for one in problems} - {""}
    german = {text: in_language("de-DE", lambda text=text: known(text))[0] for text in texts}
    assert [text for text, found in german.items() if found == text] == []


def test_each_result_of_a_job_is_recognised() -> None:
    results = {
        "1 minute folded": "1 Minute summiert",
        "removed 1,200 faces, 7 frames, 0 rollups, 0 source states, 1 line of the audit": (
            "entfernt: 1.200 Gesichter, 7 Frames, 0 Summen, 0 Zustände von Quellen, "
            "1 Zeile des Protokolls"
        ),
        "freed disk space, deleted 2 job runs": (
            "Speicherplatz freigegeben, gelöscht: 2 Läufe von Aufträgen"
        ),
        "deleted 1 upload and 2 annotated videos": ("gelöscht: 1 Upload und 2 annotierte Videos"),
        "3 messages delivered, 1 failed": "3 Nachrichten zugestellt, 1 fehlgeschlagen",
        "4 recordings, nothing new, 1 refused: a.txt is not a recording": (
            "4 Aufnahmen, nichts Neues, 1 abgelehnt: a.txt ist keine Aufnahme"
        ),
        "2 queued, 1 still growing": "2 eingereiht, 1 noch nicht fertig geschrieben",
        "degraded: door is offline: paused by its owner. 2 frames of door could not be analysed, "
        "set aside in the last day. See `moodline status`": (
            "beeinträchtigt: door ist offline: vom Besitzer angehalten. 2 Frames von door konnten "
            "nicht analysiert werden und wurden am letzten Tag zurückgestellt. Siehe "
            "`moodline status`"
        ),
    }
    found = in_language("de-DE", *(lambda text=text: known(text) for text in results))
    assert found == list(results.values())


def _facts_of_all_kinds() -> list[Facts]:
    """Facts of which each makes one problem or more."""
    fine = JobFact("rollups", None, None, "", NOW - timedelta(seconds=400))
    late = replace(WORKER, latency_p95_s=8.2, refusals=("door: the detector is missing",))
    trouble = Heartbeats(
        workers=(late,), services=(service("ingest"), service("scheduler", "trouble", "full"))
    )
    states = ("dead", "unanalyzed", "backing_off", "failed")
    away = [replace(CAM, name=one, state=one, reason="why", since=None) for one in states]
    return [
        Facts(NOW, Servers("", "", True, "gone"), None, None),
        facts(None, Servers("redis://b", "refused")),
        facts(None, Servers(), live=[CAM], runs=[RUN, RUN]),
        facts(None, Servers(), live=[CAM, replace(CAM, name="hall")], runs=[RUN]),
        facts(replace(ALIVE, workers=()), seen=[seen("worker", 900, 20)]),
        facts(replace(ALIVE, services=(service("scheduler"),))),
        facts(replace(ALIVE, services=(service("ingest"),))),
        facts(seen=[seen("worker", 900, 20)]),
        facts(trouble),
        facts(live=[CAM, *away]),
        facts(live=[CAM, *(replace(one, reason="") for one in away)]),
        replace(
            facts(),
            disks=[Disk("/a", 5 * 10**8, 10**9, True), Disk("/b", 10**6, 10**9, True)],
        ),
        facts(jobs=[replace(fine, error="no space")]),
        facts(jobs=[replace(fine, overdue_since=NOW)]),
        facts(jobs=[fine], minutes_wait=True),
        facts(removal_waits_until=NOW),
        facts(dead_letters=DeadLetters({"door": 2}, NOW)),
        facts(dead_letters=DeadLetters({"door": 1}, NOW)),
        facts(silent_targets=[SilentTarget("phone", NOW, "HTTP status 500")]),
    ]


def test_scripts_get_their_words_and_the_messages() -> None:
    name, content = catalogue("de").script
    assert re.fullmatch(r"words\.de\.[0-9a-f]{16}\.js", name)
    text = content.decode()
    assert '"Hide": "Ausblenden"' in text
    assert '"{name} is offline: {reason}."' in text
    assert '"Skip to the page"' not in text, "only Python shows it"
    assert catalogue(ENGLISH).script == ("", b"")
