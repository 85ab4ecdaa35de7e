"""The scripts and the sheets that every page loads, each as one file: docs/decisions/0021."""

import hashlib
import pkgutil
import re
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from dash.fingerprint import check_fingerprint

PLACE: Final = "_dash-component-suites/"
"""Where Dash has the files of packages, below the prefix."""
BELOW: Final = f"{PLACE}dash/dcc/"
"""Where the bundle is: its scripts load others from where they came from themselves."""
PLOTLY: Final = Path(__file__).parents[1] / "vendor" / "plotly-basic.min.js"
"""Bars and lines, a quarter of the whole: npm's plotly.js-basic-dist-min, of the release that the
Python package draws for. Why it is here: docs/decisions/0021."""
PLOTLY_ASKED: Final = f"{PLACE}plotly/package_data/plotly.min.js"
CHARTS: Final = (f"{BELOW}async-graph.js", PLOTLY_ASKED)
"""What a chart loads, below the prefix."""
_COMPILE: Final = b"//# allFunctionsCalledOnLoad\n"
"""Tells Chromium to compile a script while it comes, beside the page's own thread."""
_ASSETS: Final = "assets/"
_RUNTIME: Final = Path(__file__).parents[1] / "vendor" / "regenerator-runtime.js"
"""npm's regenerator-runtime: all that Dash's components need of the polyfills it loads."""
_SCRIPT: Final = re.compile(r'<script src="([^"]+)"></script>\n?')
_SHEET: Final = re.compile(r'<link rel="stylesheet" href="([^"]+)">\n?')


def plotly() -> bytes:
    """Plotly for browsers, which compile all of it at once and not function by function."""
    return _COMPILE + PLOTLY.read_bytes()


class Bundle:
    """Files named by what they hold. Those of the last document are kept, a megabyte or two.

    prefix: what addresses begin with. assets: the folder of the dashboard's own.
    """

    def __init__(self, prefix: str, assets: Path) -> None:
        self._prefix = prefix
        self._assets = assets
        self._of: tuple[list[str], ...] = ()
        self._files: dict[str, bytes] = {}
        self._tags = ("", "")

    def tags(self, scripts: str, sheets: str) -> tuple[str, str]:
        """One tag each, in the place of Dash's; what is written into the document stays there."""
        of = (_SCRIPT.findall(scripts), _SHEET.findall(sheets))
        if of != self._of:
            script = b"".join(b"\n;" + self._read(url) for url in of[0])
            sheet = b"\n".join(self._read(url) for url in of[1])
            # Dash looks for its renderer among the names of the document's scripts.
            names = (_named("dash_renderer", script, "js"), _named("moodline", sheet, "css"))
            self._files = dict(zip(names, (script, sheet), strict=True))
            at = [f"{self._prefix}{BELOW}{name}" for name in names]
            self._tags = (
                f'<script src="{at[0]}"></script>',
                f'<link rel="stylesheet" href="{at[1]}">',
            )
            self._of = of
        return self._tags[0] + _SCRIPT.sub("", scripts), self._tags[1] + _SHEET.sub("", sheets)

    def file(self, name: str) -> bytes | None:
        """What a file of that name holds; None where the document names no such file."""
        return self._files.get(name)

    def _read(self, url: str) -> bytes:
        path = urlsplit(url).path.removeprefix(self._prefix)
        if path.startswith(_ASSETS):
            return (self._assets / path.removeprefix(_ASSETS)).read_bytes()
        package, _, rest = path.removeprefix(PLACE).partition("/")
        inside, _ = check_fingerprint(rest)  # type: ignore[no-untyped-call]
        if "polyfill@" in inside:
            return _RUNTIME.read_bytes()
        found = pkgutil.get_data(package, inside)
        if found is None:
            raise FileNotFoundError(f"{package} has no {inside}")
        return found


def _named(name: str, text: bytes, kind: str) -> str:
    return f"{name}.{hashlib.sha256(text).hexdigest()[:16]}.{kind}"
