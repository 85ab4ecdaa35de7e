"""The languages that are offered, and the one of a request."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError

ENGLISH: Final = "en"
LANGUAGES: Final = {
    ENGLISH: "English",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "zh": "简体中文",
}
"""The name of each language in itself. `catalogues` has a file for each but English."""
COOKIE: Final = "moodline_language"
"""The cookie of a language that was chosen; the guard lets cookies of this prefix pass."""
_TAGS: Final = {"zh": "zh-Hans"}
_DEFAULT_REGIONS: Final = {ENGLISH: "en-GB"}
_MAX_HEADER: Final = 400
_MAX_TAG: Final = 35


@dataclass(frozen=True, slots=True)
class Viewing:
    """The language of a page, and the locale that its numbers and dates are written in."""

    language: str
    locale: Locale

    @property
    def tag(self) -> str:
        """The value of the HTML attribute `lang`."""
        return language_tag(self.language)

    @property
    def locale_tag(self) -> str:
        """The locale as scripts take it, such as "de-AT"."""
        return str(self.locale).replace("_", "-")


def language_tag(language: str) -> str:
    """Return the value of the attribute `lang` for a language that is offered."""
    return _TAGS.get(language, language)


@lru_cache(maxsize=512)
def viewing(chosen: str, accepted: str) -> Viewing:
    """Return the language for the value of the cookie and of the header Accept-Language.

    It is the first of these that is offered: the cookie's, then those of the header; else English.
    The region is that of the browser's first tag of the language, so that Deutsch is "de-AT" in
    Austria.
    """
    tags = list(_tags(accepted[:_MAX_HEADER]))
    wanted = [chosen, *map(_primary, tags)]
    language = next((one for one in wanted if one in LANGUAGES), ENGLISH)
    own = [tag for tag in tags if _primary(tag) == language and "-" in tag]
    for tag in (*own, _DEFAULT_REGIONS.get(language, "")):
        if (locale := _locale(tag)) is not None:
            return Viewing(language, locale)
    return Viewing(language, Locale.parse(language))


def _tags(header: str) -> Iterator[str]:
    """The tags of an Accept-Language header by their weight; those of weight 0 are left out."""
    weighted = []
    for part in header.split(","):
        tag, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if tag and quality > 0:
            weighted.append((quality, tag.strip()))
    # The sort is stable: tags of one weight keep their order.
    yield from (tag for _, tag in sorted(weighted, key=lambda one: one[0], reverse=True))


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()


def _locale(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag[:_MAX_TAG], sep="-")
    except (ValueError, TypeError, UnknownLocaleError):
        return None
