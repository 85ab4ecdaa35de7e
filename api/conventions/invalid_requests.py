"""Invalid requests: which part is wrong and what to do, in place of the validator's words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from contracts.errors import ApiError

_MAX_ERRORS: Final = 10
_NO_JSON: Final = "it is not a JSON object: send one, with Content-Type: application/json"
_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "it is missing",
    "extra_forbidden": "there is no such field",
    "json_invalid": "it is not valid JSON: {error}",
    "model_attributes_type": _NO_JSON,
    "model_type": _NO_JSON,
    "dict_type": "it is not a JSON object",
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
"""By the type of pydantic's error. Others keep its words."""


def invalid_request(request: Request, error: RequestValidationError) -> ApiError:
    """Return the error of a request. It has no values of the request, which may be secrets."""
    # A wrong name before those that are missing for it.
    found = sorted(error.errors()[:_MAX_ERRORS], key=lambda one: one["type"] == "missing")
    errors = [(_place(one), plain_message(one)) for one in found]
    first = f"{errors[0][0]}: {errors[0][1]}" if errors else "the request is not valid"
    hint = ""
    if any(one["type"] == "extra_forbidden" for one in found):
        hint = _known_fields(request, found)
    return ApiError("invalid-request", first, hint=hint, errors=errors)


def _place(error: Mapping[str, Any]) -> str:
    """Return where the wrong part is, as `body.name`."""
    place = error["loc"][:1] if error["type"] == "json_invalid" else error["loc"]
    return ".".join(map(str, place))


def plain_message(error: Mapping[str, Any]) -> str:
    """Return what is wrong. error: one of pydantic's."""
    given = dict(error.get("ctx") or {})
    if error["type"] == "too_short":
        least = int(given["min_length"])
        return "it is empty" if least == 1 else f"it is shorter than {least}"
    known = _MESSAGES.get(error["type"])
    if known is None:
        return str(error["msg"]).removeprefix("Value error, ")
    return known.format(**given)


def _known_fields(request: Request, errors: Sequence[Mapping[str, Any]]) -> str:
    """Return the fields of the body, if the wrong name is one of them and not deeper."""
    wrong = next(one for one in errors if one["type"] == "extra_forbidden")
    body = getattr(request.scope.get("route"), "body_field", None)
    model = getattr(getattr(body, "field_info", None), "annotation", None)
    if len(wrong["loc"]) != 2 or not isinstance(model, type) or not issubclass(model, BaseModel):
        return ""
    names = sorted(field.alias or name for name, field in model.model_fields.items())
    return f"The fields are: {', '.join(names)}"
