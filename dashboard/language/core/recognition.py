"""The recognition of messages by their templates."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from dashboard.language.catalogues import catalogue
from dashboard.language.words import PLACE, _, current_viewing

_SENTENCES: Final = re.compile(r"(?<=[.!?]) (?=[A-Z])")

_CLAUSE: Final = "; "


@dataclass(frozen=True, slots=True)
class _Template:
    english: str
    names: tuple[str, ...]
    pattern: re.Pattern[str]


def known(text: str) -> str:
    """Return a message in the viewer's language; as it is if no template matches.

    The values of a message may be messages, too. Of several sentences each is translated.
    """
    language = current_viewing().language
    return _translated(text, language) if catalogue(language).messages else text


@lru_cache(maxsize=1024)
def _translated(text: str, language: str) -> str:
    """language: that of the viewer, for the cache."""
    whole = _recognised(text, language)
    if whole is not None:
        return whole
    return " ".join(_of_sentence(one, language) for one in _SENTENCES.split(text))


def _of_sentence(text: str, language: str) -> str:
    """Return one sentence: as a whole, or its clauses one by one."""
    whole = _recognised(text, language)
    if whole is not None:
        return whole
    clauses = text.removesuffix(".").split(_CLAUSE)
    end = "." if text.endswith(".") else ""
    return _("; ").join(_recognised(one, language) or one for one in clauses) + end


def _recognised(text: str, language: str) -> str | None:
    whole, templates = _templates(language)
    if text in whole:
        return _(text)
    for one in templates:
        if (found := one.pattern.fullmatch(text)) is not None:
            values = (_translated(value, language) for value in found.groups())
            return _(one.english, **dict(zip(one.names, values, strict=True)))
    return None


@cache
def _templates(language: str) -> tuple[frozenset[str], tuple[_Template, ...]]:
    """Return the messages without names, and the templates, those with most literal text first."""
    messages = catalogue(language).messages
    templates = [_template(one) for one in messages if PLACE.search(one)]
    templates.sort(key=lambda one: len(PLACE.sub("", one.english)), reverse=True)
    return frozenset(messages), tuple(templates)


def _template(english: str) -> _Template:
    pieces = PLACE.split(english)
    source = "".join("(.+)" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces))
    return _Template(english, tuple(pieces[1::2]), re.compile(source, re.DOTALL))
