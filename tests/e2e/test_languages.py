"""The pages in other languages: each text is of the catalogue, and German fits a phone.

A pseudo-language marks each translated text. What a page shows outside of the marks is data.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from babel.messages.pofile import write_po
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from contracts.settings import Settings
from dashboard.app import PAGES
from dashboard.language import catalogues
from dashboard.language.extraction import extracted
from moodline.adapters.recording_files import uploads_of
from moodline.adapters.recordings import RecordingLibrary
from records.database import open_engine
from serving.backend import Backend
from tests.pages import Noise, follow_link, patient_page, quiet_page, serving

SIZE: Final[ViewportSize] = {"width": 390, "height": 844}
WIDE_TABLES: Final = """[...document.querySelectorAll("table.plain, table.ranking")]
    .filter((one) => one.scrollWidth > one.parentElement.clientWidth + 1)
    .map((one) => one.parentElement.getAttribute("aria-label"))"""
"""The tables that scroll sideways."""
READY = {
    "now": ".welcome, .tile, .day-bar, .time-bar",
    "trends": ".heat-map",
    "alerts": ".panel",
    "recordings": ".drop",
    "try": ".drop",
    "sources": ".source, .empty",
    "system": "#audit .panel, #audit table, #audit p",
    "account": "#account-page .empty",
    "model": ".empty, .facts",
}
"""A selector of each page that matches when the page is complete."""
DATA = (
    r"moodline|café|entrance|library|door|rtsp|Europe|UTC|generated|MB|GB|kB|owner|"
    r"rollups|health|retention|maintenance|uploads|alerts|deliver|CSV|PNG|URL|https|Parquet"
)
"""Names of sources, jobs and units: the data of this installation."""
MARKED: Final = "zh"
"""The language whose catalogue is marked: its dates have no Latin letters."""
UNMARKED = """(data) => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let marked = 0;
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const parent = node.parentElement;
    if (parent.closest("script, style, noscript, code, kbd, .languages, svg, [hidden]")) continue;
    if (!parent.checkVisibility()) continue;
    let rest = node.textContent;
    for (let before = ""; before !== rest; ) {
      before = rest;
      rest = rest.replace(/⟦[^⟦⟧]*⟧/g, "");
    }
    // A text with a component in it is several nodes.
    rest = rest.replace(/⟦[^⟦⟧]*$/, "").replace(/^[^⟦⟧]*⟧/, "");
    if (/[A-Za-z]{2}/.test(rest.replace(new RegExp(data, "g"), ""))) {
      found.push(`${parent.tagName}.${parent.className}: ${node.textContent.slice(0, 80)}`);
    } else if (node.textContent.includes("⟦")) marked += 1;
  }
  for (const name of ["aria-label", "title", "placeholder", "alt"]) {
    for (const one of document.querySelectorAll(`[${name}]`)) {
      const text = one.getAttribute(name);
      const rest = text.replace(new RegExp(data, "g"), "");
      if (/[A-Za-z]{2}/.test(rest) && !text.includes("⟦") && !one.closest("[hidden], svg")) {
        found.push(`${one.tagName}[${name}]: ${text}`);
      }
    }
  }
  return { found, marked };
}"""


@pytest.fixture(scope="module")
def address(month_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("records")
    engine = open_engine(f"sqlite:///{shutil.copyfile(month_database, folder / 'records.db')}")
    settings = Settings(home=folder / "home")
    library = RecordingLibrary(settings, engine, uploads_of(settings, engine))
    with serving(Backend(engine, settings, recordings=library)) as one:
        yield one
    engine.dispose()


@pytest.fixture(scope="module", autouse=True)
def marked_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """In the catalogue of one language, each translation is its English text between marks.

    For the whole module: a page asks again and again, so that the server may read a catalogue at
    any time.
    """
    folder = tmp_path_factory.mktemp("languages") / "catalogues"
    shutil.copytree(catalogues.FOLDER, folder)
    texts = extracted()
    texts._num_plurals, texts._plural_expr = 2, "(n != 1)"  # type: ignore[assignment]
    for one in texts:
        forms = (one.id,) if isinstance(one.id, str) else one.id
        strings = tuple(f"⟦{text}⟧" for text in forms)
        one.string = strings if one.pluralizable else strings[0]
    with (folder / f"{MARKED}.po").open("wb") as file:
        write_po(file, texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalogues, "FOLDER", folder)
        catalogues.catalogue.cache_clear()
        yield
    catalogues.catalogue.cache_clear()


@pytest.fixture(scope="module")
def german(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(locale="de-DE", timezone_id="Europe/Berlin", viewport=SIZE) as one:
        yield one


Tab = tuple[Page, Noise]
"""A page that the tests of all pages use, as it takes long to load, and its console."""


@pytest.fixture(scope="module")
def of_the_marked_language(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(locale="zh-CN", timezone_id="Europe/Berlin", viewport=SIZE) as one:
        yield one


@pytest.fixture(scope="module")
def tab(german: BrowserContext, address: str) -> Iterator[Tab]:
    with patient_page(german) as one:
        yield one, Noise(one, address)


@pytest.fixture(scope="module")
def marked_tab(of_the_marked_language: BrowserContext, address: str) -> Iterator[Tab]:
    with patient_page(of_the_marked_language) as one:
        yield one, Noise(one, address)


def opened(page: Page, address: str, name: str) -> None:
    """Open a page; from another page if this tab has loaded the scripts already."""
    path = f"/{name}{'?from=now-30d&to=now' if name == 'trends' else ''}"
    if page.url.startswith(address):
        title = page.locator("h1").inner_text()
        follow_link(page, path)
        expect(page.locator("h1")).not_to_have_text(title)
    else:
        page.goto(address + path)
    expect(page.locator(READY[name]).first).to_be_visible()


def test_no_page_is_left_out() -> None:
    assert {page.path for page in PAGES if page.in_menu or page.path in READY} == set(READY)


@pytest.mark.parametrize("name", list(READY))
def test_each_text_of_a_page_is_of_the_catalogue(marked_tab: Tab, address: str, name: str) -> None:
    page, noise = marked_tab
    opened(page, address, name)
    result = page.evaluate(UNMARKED, DATA)
    noise.assert_none()
    assert not result["found"], "\n".join(result["found"])
    assert result["marked"] > 5


@pytest.mark.parametrize("name", list(READY))
def test_each_page_fits_a_phone_in_german(tab: Tab, address: str, name: str) -> None:
    page, noise = tab
    opened(page, address, name)
    assert page.evaluate("document.documentElement.lang") == "de"
    assert page.evaluate("document.documentElement.scrollWidth") == SIZE["width"]
    assert page.evaluate(WIDE_TABLES) == []
    noise.assert_none()


def test_a_language_is_chosen_on_a_page_and_kept(browser: Browser, address: str) -> None:
    with (
        browser.new_context(locale="en-US") as viewer,
        quiet_page(viewer, address) as page,
    ):
        opened(page, address, "trends")
        expect(page.locator("h1")).to_have_text("Trends")
        page.locator(".languages button", has_text="Français").click()
        expect(page.locator("h1")).to_have_text("Tendances")
        assert page.url.endswith("?from=now-30d&to=now"), "the view stays"
        page.goto(f"{address}/sources")
        expect(page.locator(".rail nav a").first).to_have_text("Maintenant")
        page.set_viewport_size(SIZE)
        tops = page.locator(".rail nav a").evaluate_all("all => all.map((one) => one.offsetTop)")
        assert len(set(tops)) == 1, "the tabs of a phone take one row"
        assert page.evaluate("document.documentElement.lang") == "fr"
