"""The bundle: all scripts of a page as one file, and all style sheets as one (decision 0021)."""

import hashlib
import pkgutil
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from dash.fingerprint import check_fingerprint

from dashboard.language.catalogues import catalogue
from dashboard.language.words import current_viewing
from dashboard.web.palette import DARK, LIGHT, Palette
from dashboard.web.script_modules import join_modules

_SUITES: Final = "_dash-component-suites/"
"""The path below the prefix at which Dash serves the files of packages."""
BUNDLE_PATH: Final = f"{_SUITES}dash/dcc/"
"""The path of the bundle: its scripts load further ones relative to their own address."""
_VENDOR: Final = Path(__file__).parents[1] / "vendor"
PLOTLY_FILE: Final = _VENDOR / "plotly-basic.min.js"
"""npm's plotly.js-basic-dist-min, bars and lines only, a quarter of the whole. Its release is the
one that the Python package draws for."""
PLOTLY_PATH: Final = f"{_SUITES}plotly/package_data/plotly.min.js"
CHART_SCRIPTS: Final = (PLOTLY_PATH,)
"""The scripts that assets/trends/charts.js loads, below the prefix."""
_COMPILE_HINT: Final = b"//# allFunctionsCalledOnLoad\n"
"""Makes Chromium compile the whole script while it loads, off the page's main thread."""
_ASSETS: Final = "assets/"
_RUNTIME: Final = _VENDOR / "regenerator-runtime.js"
"""npm's regenerator-runtime: the only one of Dash's polyfills that its components need."""
_SCRIPT_TAG: Final = re.compile(r'<script src="([^"]+)"></script>\n?')
_SHEET_TAG: Final = re.compile(r'<link rel="stylesheet" href="([^"]+)">\n?')


def plotly() -> bytes:
    """Return plotly.js as browsers get it, with the hint to compile it at once."""
    return _COMPILE_HINT + PLOTLY_FILE.read_bytes()


class Bundle:
    """Script and style sheet of the latest document, named by their content; one or two MB.

    prefix: the path that all addresses begin with. assets: the folder of our own files.
    """

    def __init__(self, prefix: str, assets: Path) -> None:
        self._prefix = prefix
        self._assets = assets
        self._bundled: tuple[list[str], ...] = ()
        self._files: dict[str, bytes] = {}
        self._tags = ("", "")

    def tags(self, scripts: str, sheets: str) -> tuple[str, str]:
        """Return one tag for all of Dash's script tags, and one for its sheets.

        Inline scripts and styles stay in the document.
        """
        urls = (_SCRIPT_TAG.findall(scripts), _SHEET_TAG.findall(sheets))
        if urls != self._bundled:
            script = b"".join(b"\n;" + content for content in self._scripts(urls[0]))
            sheet = b"\n".join([_expression_colours(), *map(self._read, urls[1])])
            # Dash looks for the name of its renderer among the document's scripts.
            names = (_hashed("dash_renderer", script, "js"), _hashed("moodline", sheet, "css"))
            self._files = dict(zip(names, (script, sheet), strict=True))
            script_url, sheet_url = (f"{self._prefix}{BUNDLE_PATH}{name}" for name in names)
            self._tags = (
                f'<script src="{script_url}"></script>',
                f'<link rel="stylesheet" href="{sheet_url}">',
            )
            self._bundled = urls
        return (
            self._tags[0] + _SCRIPT_TAG.sub("", scripts),
            self._tags[1] + _SHEET_TAG.sub("", sheets),
        )

    def words_tag(self) -> str:
        """Return the tag of the translations for the request's language; "" in English."""
        name, _ = catalogue(current_viewing().language).script
        return f'<script src="{self._prefix}{BUNDLE_PATH}{name}"></script>' if name else ""

    def file(self, name: str) -> bytes | None:
        """Return the content of a bundled file; None if the document names no such file."""
        return self._files.get(name)

    def _scripts(self, urls: Sequence[str]) -> Iterator[bytes]:
        """The contents in their order; all of our own modules where the first of them is."""
        own = [url for url in urls if self._path(url).startswith(_ASSETS)]
        for url in urls:
            if url not in own:
                yield self._read(url)
            elif url == own[0]:
                modules = {
                    self._path(one).removeprefix(_ASSETS): self._read(one).decode() for one in own
                }
                yield join_modules(modules).encode()

    def _path(self, url: str) -> str:
        return urlsplit(url).path.removeprefix(self._prefix)

    def _read(self, url: str) -> bytes:
        path = self._path(url)
        if path.startswith(_ASSETS):
            return (self._assets / path.removeprefix(_ASSETS)).read_bytes()
        package, _, rest = path.removeprefix(_SUITES).partition("/")
        inside, _ = check_fingerprint(rest)  # type: ignore[no-untyped-call]
        if "polyfill@" in inside:
            return _RUNTIME.read_bytes()
        content = pkgutil.get_data(package, inside)
        if content is None:
            raise FileNotFoundError(f"{package} has no file {inside}")
        return content


def _expression_colours() -> bytes:
    """Custom properties for the colours of labels, coverage and charts, light and dark."""
    light, dark = (_chart_colours(one) for one in (LIGHT, DARK))
    lines = [f"--{name}: light-dark({light[name]}, {dark[name]});" for name in light]
    return f":root {{ {' '.join(lines)} }}\n".encode()


def _chart_colours(theme: Palette) -> dict[str, str]:
    return {
        **theme.labels,
        "hatch": theme.hatch,
        "missing": theme.no_coverage,
        "chart-text": theme.text,
        "chart-grid": theme.grid,
        "chart-paper": theme.paper,
        "chart-coverage": theme.coverage,
        "chart-low-coverage": theme.low_coverage,
    }


def _hashed(name: str, content: bytes, suffix: str) -> str:
    return f"{name}.{hashlib.sha256(content).hexdigest()[:16]}.{suffix}"
