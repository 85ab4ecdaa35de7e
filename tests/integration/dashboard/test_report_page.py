"""Given a run's report, its HTML page stands alone and draws only what was analysed."""

import re
from contextvars import copy_context
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from sqlalchemy import Engine

from analytics.runs.reports.report import run_report
from analytics.runs.reports.report_text import headline
from analytics.snapshots import in_snapshot
from contracts.runs import RunState
from dashboard.language.offered import language_tag, viewing
from dashboard.language.words import set_viewing
from dashboard.report.page import report_page
from tests.rows import FaceSpec, write_run

HAPPY, SAD = FaceSpec(1, "happy"), FaceSpec(2, "sad")


def test_the_page_is_well_formed_and_loads_nothing(engine: Engine) -> None:
    write_run(engine, "r1", {n: [HAPPY, SAD, FaceSpec(3, None)][: n % 4] for n in range(60)})

    page = report_page(in_snapshot(engine, run_report, "r1"))
    tree = _tree(page)

    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https:|//|@import|<(script|img|link|iframe)|\son\w+=|\ssrc=", page)
    assert set(re.findall(r"url\((.)", page)) == {"#"}
    assert tree.get("lang") == "en"
    assert [one.tag for one in tree.iter() if re.fullmatch(r"h\d", one.tag)] == ["h1", *["h2"] * 5]
    for figure in tree.iter("figure"):
        (caption,), svgs = figure.findall("figcaption"), list(figure.iter("svg"))
        assert "".join(caption.itertext()).endswith(".")
        assert figure.find("details//table") is not None
        assert any(svg.get("aria-labelledby") == caption.get("id") for svg in svgs)
    assert "moodline reads expressions, not feelings; it identifies nobody." in page


def test_a_source_name_is_escaped(engine: Engine) -> None:
    name = "</title><script>alert('a & b')</script><img src=x onerror=\"alert(1)\">"
    write_run(engine, "r1", {n: [HAPPY] for n in range(9)}, source=name)

    tree = _tree(report_page(in_snapshot(engine, run_report, "r1")))

    assert tree.findtext("body/header/h1") == name
    assert tree.findtext("head/title") == f"{name} · moodline"
    assert not [one for one in tree.iter() if one.tag in {"script", "img"}]


def test_a_gap_is_never_drawn_as_an_expression(engine: Engine) -> None:
    write_run(engine, "r1", {n: [FaceSpec(1, "neutral")] for n in [*range(50), *range(150, 200)]})
    report = in_snapshot(engine, run_report, "r1")

    tree = _tree(report_page(report))
    chart = tree.find(".//figure[@class='expressions']/div/svg")
    assert chart is not None
    bars = [one for one in chart.iter("rect") if "bar" in (one.get("class") or "").split()]
    missing = [one for one in chart.iter("rect") if one.get("class") == "missing"]

    gaps = [bucket for bucket in report.buckets if bucket.is_gap]
    assert gaps and bars
    for gap in gaps:
        middle = 50 * (gap.start_s + gap.end_s) / report.span_s
        assert not [bar for bar in bars if _spans(bar, middle)]
        assert [hatch for hatch in missing if _spans(hatch, middle)]
    rows = [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]
    assert len([row for row in rows if row[2:] == ["–"]]) == len(gaps)


def test_the_page_of_a_run_without_faces_draws_no_expressions(engine: Engine) -> None:
    write_run(engine, "empty", {n: [] for n in range(100)})
    write_run(engine, "queued", {}, state=RunState.QUEUED)
    write_run(engine, "still", {0: [HAPPY, SAD]}, gap_ms=0)

    empty, queued, still = (
        headline(in_snapshot(engine, run_report, name)) for name in ("empty", "queued", "still")
    )

    assert empty == "No face was found; 99 % of the recording was analysed."
    assert "No frame was analysed" in queued
    assert queued.endswith("The run has not begun.")
    assert still == "2 faces (happy 1, sad 1) at a single moment, so there are no person-seconds."
    for name in ("empty", "queued", "still"):
        tree = _tree(report_page(in_snapshot(engine, run_report, name)))
        drawn = {one.get("class") for one in tree.iter("rect")}
        assert drawn <= {"analysed", "missing", "ground"}


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", ["Ausdrücke im Verlauf", "Am häufigsten: Freude mit", "0,43", "Zustand"]),
        ("es", ["Expresiones a lo largo del tiempo", "0,43", "Estado"]),
        ("fr", ["Expressions au fil du temps", "0,43", "État"]),
        ("zh", ["表情随时间变化", "0.43", "状态"]),
    ],
)
def test_the_page_is_in_the_language_of_its_viewer(
    engine: Engine, language: str, said: list[str]
) -> None:
    frames = {n: [HAPPY, SAD, FaceSpec(3, None)][: 1 + n % 3] for n in [*range(60), *range(90, 99)]}
    write_run(engine, "r1", frames)
    report = in_snapshot(engine, run_report, "r1")

    def page() -> str:
        set_viewing(viewing(language, ""))
        return report_page(report)

    english, translated = report_page(report), copy_context().run(page)
    assert _tree(translated).get("lang") == language_tag(language)
    texts = "\n".join(_tree(translated).itertext())
    assert not [one for one in said if one not in texts]
    same = set(_words(english)) & set(_words(translated))
    alike = {"Frames", "Person", "Detector", "neutral", "surprise", "moodline"}
    assert {one.lower().rstrip("s") for one in same} <= {
        one.lower().rstrip("s") for one in alike | {"expression"}
    }, "left in English"


def _words(page: str) -> list[str]:
    """Return the longer words of the page's text, without its styles."""
    body = _tree(page).find("body")
    assert body is not None
    return re.findall(r"[A-Za-z]{6,}", " ".join(body.itertext()))


def _tree(page: str) -> ElementTree.Element:
    """Parse the page as HTML and as XML: no tag may be left open."""
    parser = _Balanced()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))


class _Balanced(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _spans(rect: ElementTree.Element, at_percent: float) -> bool:
    x, width = (float((rect.get(name) or "").removesuffix("%")) for name in ("x", "width"))
    return x <= at_percent <= x + width
