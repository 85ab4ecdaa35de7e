"""The catalogues: gettext files (.po), read as they are when a language is first asked for.

There is no compiled form, so a wheel, a checkout and a translator's edit need no further step.
"""

import gettext
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.pofile import read_po

from dashboard.language.offered import ENGLISH, LANGUAGES

FOLDER: Final = Path(__file__).with_name("catalogues")
_SCRIPTS: Final = "dashboard/assets/"
_MESSAGES: Final = "dashboard/language/core/"
Forms = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The translations into one language.

    texts: by the English text, one string, or one for each plural form. plural: the form of a
    number. script: the name and the content of the file for the scripts of pages; "" in English.
    messages: the English templates of messages that other packages compose.
    """

    texts: Mapping[str, Forms]
    plural: Callable[[int], int]
    script: tuple[str, bytes]
    messages: tuple[str, ...] = ()

    def text(self, english: str) -> str:
        """Return the translation, or the English text if there is none."""
        found = self.texts.get(english, english)
        return found if isinstance(found, str) else found[0]

    def counted(self, one: str, many: str, number: int) -> str:
        """Return the translation for a number of things."""
        found = self.texts.get(one)
        if isinstance(found, tuple):
            return found[min(self.plural(number), len(found) - 1)]
        return one if number == 1 else many


def _of_english(number: int) -> int:
    return int(number != 1)


@cache
def catalogue(language: str) -> Catalogue:
    """Return the catalogue of a language; that of English is empty."""
    if language == ENGLISH or language not in LANGUAGES:
        return Catalogue({}, _of_english, ("", b""))
    with (FOLDER / f"{language}.po").open("rb") as file:
        read = read_po(file, locale=language)
    texts: dict[str, Forms] = {}
    words: dict[str, Forms] = {}
    messages = []
    for message in read:
        string = message.string
        parts = string if isinstance(string, (tuple, list)) else [string]
        forms = tuple(str(part or "") for part in parts)
        if not message.id or message.fuzzy or not all(forms):
            continue
        english = message.id if isinstance(message.id, str) else message.id[0]
        texts[english] = forms if message.pluralizable else forms[0]
        places = [path for path, _ in message.locations]
        if is_message := any(path.startswith(_MESSAGES) for path in places):
            messages.append(english)
        if is_message or any(path.startswith(_SCRIPTS) for path in places):
            words[english] = texts[english]
    plural = gettext.c2py(read.plural_expr)
    return Catalogue(texts, plural, _script(language, words, messages), tuple(messages))


def _script(
    language: str, words: Mapping[str, Forms], messages: Sequence[str]
) -> tuple[str, bytes]:
    document = json.dumps({"words": words, "messages": messages}, ensure_ascii=False)
    content = f"globalThis.moodlineWords = {document};\n".encode()
    return f"words.{language}.{hashlib.sha256(content).hexdigest()[:16]}.js", content
