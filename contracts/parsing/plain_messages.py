"""Plain messages: pydantic's errors in the words of moodline, for settings, files and requests."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_VALUE_ERROR: Final = "Value error, "
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "it is missing",
    "string_type": "it is not a text",
    "string_too_short": "it is shorter than {min_length} characters",
    "string_too_long": "it is longer than {max_length} characters",
    "bool_type": "it is not true or false",
    "bool_parsing": "it is not true or false",
    "int_type": "it is not a whole number",
    "int_parsing": "it is not a whole number",
    "int_from_float": "it is not a whole number",
    "float_type": "it is not a number",
    "float_parsing": "it is not a number",
    "finite_number": "it is not a finite number",
    "list_type": "it is not a list",
    "greater_than": "use more than {gt}",
    "greater_than_equal": "use at least {ge}",
    "less_than": "use less than {lt}",
    "less_than_equal": "use at most {le}",
    "literal_error": "use {expected}",
    "enum": "use {expected}",
    "too_long": "it is longer than {max_length}",
}
"""By the type of pydantic's error."""


def plain_message(error: Mapping[str, Any], words: Mapping[str, str] = _NONE) -> str:
    """Return what is wrong. error: one of a ValidationError's errors().

    words: messages by the type of the error, which go before the usual ones. A type without a
    message keeps pydantic's.
    """
    known = words.get(error["type"]) or _MESSAGES.get(error["type"])
    if known is None:
        return validator_message(str(error["msg"]))
    return known.format(**error.get("ctx") or {})


def validator_message(text: str) -> str:
    """Return the message that a validator raised, without what pydantic puts before it."""
    return text.removeprefix(_VALUE_ERROR)
