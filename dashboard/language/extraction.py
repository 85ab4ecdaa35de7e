"""The maintenance of the catalogues: `python -m dashboard.language.extraction` updates the files.

It adds new texts without a translation and removes those that are gone. A test fails while a
translation is missing, so a new text is translated in the change that adds it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from dashboard.language.catalogues import FOLDER
from dashboard.language.offered import ENGLISH, LANGUAGES

_ROOT: Final = Path(__file__).parents[2]
_PAGES: Final = _ROOT / "dashboard"
_KEYWORDS: Final[dict[str, Any]] = {
    "_": None,
    "N_": None,
    "n_": (1, 2),
    "parts": None,
    "marked": None,
}
_METHODS: Final = {".py": "python", ".html": "jinja2.ext:babel_extract"}
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_STRINGS: Final = rf"{_STRING.pattern}(?:\s*\+\s*{_STRING.pattern})*"
_CALL: Final = re.compile(
    rf"(?:(?<![\w.])|(?<=\.\.\.))(?P<name>_|n_|parts)\(\s*"
    rf"(?P<one>{_STRINGS})(?:\s*,\s*(?P<many>{_STRINGS}))?"
)
_LEFT_OUT: Final = ("vendor", "__pycache__")
_HEADER: Final = r"""msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\n"
"Language: {language}\n"
"Plural-Forms: nplurals={forms}; plural={rule};\n"

"""
_PLURALS: Final = {
    "de": (2, "(n != 1)"),
    "es": (2, "(n != 1)"),
    "fr": (2, "(n > 1)"),
    "zh": (1, "0"),
}
"""The number of plural forms, and which of them a number has, in C."""


def extracted() -> Catalog:
    """Return the texts of all pages, each with the files that it is in."""
    found = Catalog(project="moodline", charset="utf-8")
    for path in sorted(_PAGES.rglob("*")):
        if path.suffix in (*_METHODS, ".js") and not set(path.parts) & set(_LEFT_OUT):
            place = path.relative_to(_ROOT).as_posix()
            for text in _texts(path):
                found.add(text, locations=[(place, 0)])
    return found


def _texts(path: Path) -> Iterator[str | tuple[str, ...]]:
    if path.suffix == ".js":
        yield from _script_texts(path.read_text())
        return
    found = extract_from_file(_METHODS[path.suffix], path, keywords=_KEYWORDS)
    yield from (text for _line, text, _comments, _context in found)


def _script_texts(source: str) -> Iterator[str | tuple[str, ...]]:
    """Yield the texts of a script. Babel's own extraction misses a call in another's arguments."""
    for call in _CALL.finditer(source):
        one, many = (_joined(call[group]) for group in ("one", "many"))
        yield (one, many) if call["name"] == "n_" else one


def _joined(strings: str | None) -> str:
    return "".join(json.loads(one) for one in _STRING.findall(strings or ""))


def update(language: str, texts: Catalog) -> Catalog:
    """Return the catalogue of a language with these texts, and its translations of them."""
    path = FOLDER / f"{language}.po"
    known = Catalog(locale=language)
    if path.exists():
        with path.open("rb") as file:
            known = read_po(file, locale=language)
    fresh = Catalog(locale=language, project="moodline", fuzzy=False)
    # Babel sets both by itself only for the rules that it knows, and gives them no type.
    fresh._num_plurals, fresh._plural_expr = _PLURALS[language]  # type: ignore[assignment]
    for text in texts:
        if not text.id:
            continue
        before = known.get(text.id if isinstance(text.id, str) else text.id[0])
        string = before.string if before is not None and not before.fuzzy else None
        fresh.add(text.id, string, locations=text.locations)
    return fresh


def main() -> None:
    """Write the files."""
    texts = extracted()
    FOLDER.mkdir(exist_ok=True)
    for language in LANGUAGES:
        if language == ENGLISH:
            continue
        fresh = update(language, texts)
        forms, rule = _PLURALS[language]
        with (FOLDER / f"{language}.po").open("wb") as file:
            file.write(_HEADER.format(language=language, forms=forms, rule=rule).encode())
            write_po(
                file, fresh, width=98, omit_header=True, sort_by_file=True, include_lineno=False
            )


if __name__ == "__main__":
    main()
