"""Parsing: the text of a file as a Document, and its errors with their lines."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from contracts.errors import AlertError, ConfigFileError, MoodlineError
from contracts.parsing.plain_messages import plain_message
from moodline.as_code.document import (
    AlertEntry,
    Document,
    FolderEntry,
    FromEnv,
    FromFile,
    LiveSourceEntry,
    Part,
    Retention,
    Secret,
    TargetEntry,
)
from moodline.as_code.yaml_lines import LinedYaml, Place, read_yaml
from runtime.files.regular_files import read_regular

_MOST_ERRORS: Final = 20
_LONGEST_SECRET: Final = 16 * 1024
_ENTRIES: Final[Mapping[str, type[Part]]] = {
    "sources": LiveSourceEntry,
    "folders": FolderEntry,
    "targets": TargetEntry,
    "alerts": AlertEntry,
}
_WORDS: Final[Mapping[str, str]] = {
    "extra_forbidden": "there is no key of this name",
    "string_type": "it is not a text; write it in quotes",
    "dict_type": "it has no keys",
    "model_type": "it has no keys",
    "too_short": "it has too few entries: {min_length} are needed",
    "too_long": "it has too many entries: at most {max_length}",
}
"""The words of this file for some of pydantic's errors."""
_OTHER_NAMES: Final[Mapping[tuple[str, str], str]] = {
    ("sources", "uri"): "address",
    ("sources", "url"): "address",
    ("targets", "uri"): "url",
    ("targets", "address"): "url",
    ("folders", "folder"): "path",
    ("alerts", "condition"): "when",
    ("alerts", "window"): "for",
    ("alerts", "source"): "sources",
    ("alerts", "targets"): "to",
}
"""Keys that other places have for the same, by section."""
_ONE_OF_FORMS: Final = "write the text itself, {env: NAME} or {file: PATH}"
"""The hint where a secret may stand. Pydantic has an error for each of its forms."""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A document with the lines of its parts. folder: to which the files of secrets are relative.

    environment: of the references to it.
    """

    document: Document
    yaml: LinedYaml
    folder: Path
    environment: Mapping[str, str]

    def at(self, *place: str | int) -> str:
        """Return FILE:LINE of a part, for messages."""
        return self.yaml.at(place)

    @contextmanager
    def naming(self, *place: str) -> Iterator[None]:
        """Give an error inside the block the line of a part, or of the field that it names."""
        try:
            yield
        except ConfigFileError:
            raise
        except MoodlineError as exc:
            field = exc.field if isinstance(exc, AlertError) else ""
            places = [(*place, key) for key in (field, f"{field}s")]
            where = next((one for one in places if one in self.yaml.lines), place)
            name = ".".join(place)
            raise ConfigFileError(f"{self.yaml.at(where)}: {name}: {exc}", hint=exc.hint) from exc

    def resolve(self, secret: Secret, *place: str) -> str:
        """Return the text that a secret stands for. Raises ConfigFileError."""
        if isinstance(secret, str):
            return secret
        if isinstance(secret, FromEnv):
            if secret.env not in self.environment:
                raise ConfigFileError(
                    f"{self.at(*place)}: {secret.env} is not set in the environment",
                    hint="Set it where you run `moodline apply`",
                )
            return self.environment[secret.env]
        return self._read(secret, place)

    def _read(self, secret: FromFile, place: Place) -> str:
        path = self.folder / Path(secret.file).expanduser()
        try:
            data = read_regular(path)
            text = data.decode().removesuffix("\n").removesuffix("\r")
        except (OSError, UnicodeDecodeError) as exc:
            reason = getattr(exc, "strerror", None) or "it is not UTF-8 text"
            raise ConfigFileError(
                f"{self.yaml.at(place)}: cannot read the secret file {path}: {reason}",
                hint="Check its path and its permissions",
            ) from exc
        if not text or len(text) > _LONGEST_SECRET or "\n" in text:
            raise ConfigFileError(
                f"{self.yaml.at(place)}: the secret file {path} does not have one line of text",
                hint="Write the secret alone into it",
            )
        return text


def parse_file(
    text: str, file: str, folder: Path, environment: Mapping[str, str] = os.environ
) -> ParsedFile:
    """Return the document in a text. Raises ConfigFileError with the first errors and lines."""
    found = read_yaml(text, file)
    if not isinstance(found.value, dict):
        raise ConfigFileError(f"{file}:1: it has no keys", hint="Begin with `version: 1`")
    try:
        document = Document.model_validate(found.value)
    except ValidationError as exc:
        lines = _error_lines(found, exc)
        raise ConfigFileError("\n".join(lines), hint="") from exc
    return ParsedFile(document, found, folder, environment)


def _error_lines(found: LinedYaml, error: ValidationError) -> list[str]:
    """Return a line for each wrong part, in the order of the file."""
    messages: dict[tuple[int, Place], str] = {}
    for one in error.errors(include_url=False, include_input=False):
        place = _known_place(found, one["loc"])
        name = ".".join(str(part) for part in place) or "the file"
        message = plain_message(one, _WORDS)
        if place[:1] == ("retention",) and len(place) == 2 and one["type"] != "extra_forbidden":
            message = "use days or weeks, such as 90d or 12w, or forever"
        if one["type"] == "missing":
            name = f"{name}.{one['loc'][-1]}" if place else str(one["loc"][-1])
        elif one["type"] == "extra_forbidden":
            message += _suggestion(place)
        if {FromEnv.__name__, FromFile.__name__} & {*one["loc"]}:
            place = _known_place(found, one["loc"][: _form_at(one["loc"])])
            name, message = ".".join(str(part) for part in place), _ONE_OF_FORMS
            messages.pop((found.line(place), place), None)
        messages.setdefault((found.line(place), place), f"{found.at(place)}: {name}: {message}")
    return [messages[key] for key in sorted(messages, key=lambda key: key[0])][:_MOST_ERRORS]


def _form_at(location: Sequence[Any]) -> int:
    """Return where in a location the name of a secret's form stands."""
    return next(at for at, part in enumerate(location) if part in {"FromEnv", "FromFile"})


def _known_place(found: LinedYaml, location: Sequence[Any]) -> Place:
    """Return the place of an error: its location without the names of pydantic's alternatives."""
    place: Place = ()
    for part in location:
        if (*place, part) in found.lines:
            place = (*place, part)
    return place


def _suggestion(place: Place) -> str:
    """Return a known key that resembles a wrong one, as text."""
    from difflib import get_close_matches

    section = str(place[0])
    known: Sequence[str] = ()
    if len(place) == 1:
        known = _keys_of(Document)
    elif section == "retention":
        known = _keys_of(Retention)
    elif len(place) == 3:
        known = _keys_of(_ENTRIES[section])
    other = _OTHER_NAMES.get((section, str(place[-1])))
    close = [other] if other else get_close_matches(str(place[-1]), known, n=1)
    return f". Did you mean {close[0]}?" if close else ""


def _keys_of(part: type[Part]) -> list[str]:
    return [field.alias or name for name, field in part.model_fields.items()]
