"""Invalid requests: which part is wrong and what to do, in place of the validator's words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel

from contracts.errors import ApiError
from contracts.parsing.plain_messages import plain_message

_MAX_ERRORS: Final = 10
_NO_JSON: Final = "it is not a JSON object: send one, with Content-Type: application/json"
_WORDS: Final[Mapping[str, str]] = {
    "extra_forbidden": "it is not one of the fields",
    "json_invalid": "it is not valid JSON: {error}",
    "model_attributes_type": _NO_JSON,
    "model_type": _NO_JSON,
    "dict_type": "it is not a JSON object",
    "too_short": "it is shorter than {min_length}",
}
"""The words of the API for some of pydantic's errors."""


def invalid_request(request: Request, error: RequestValidationError) -> ApiError:
    """Return the error of a request. It has no values of the request, which may be secrets."""
    # A wrong name before those that are missing for it.
    found = sorted(error.errors()[:_MAX_ERRORS], key=lambda one: one["type"] == "missing")
    errors = [(_place(one), _message(one)) for one in found]
    first = f"{errors[0][0]}: {errors[0][1]}" if errors else "the request is not valid"
    hint = ""
    if any(one["type"] == "extra_forbidden" for one in found):
        hint = _known_fields(request, found)
    return ApiError("invalid-request", first, hint=hint, errors=errors)


def _place(error: Mapping[str, Any]) -> str:
    """Return where the wrong part is, as `body.name`."""
    place = error["loc"][:1] if error["type"] == "json_invalid" else error["loc"]
    return ".".join(map(str, place))


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "too_short" and error["ctx"]["min_length"] == 1:
        return "it is empty"
    return plain_message(error, _WORDS)


def _known_fields(request: Request, errors: Sequence[Mapping[str, Any]]) -> str:
    """Return the fields of the body, if the wrong name is one of them and not deeper."""
    wrong = next(one for one in errors if one["type"] == "extra_forbidden")
    body = getattr(request.scope.get("route"), "body_field", None)
    model = getattr(getattr(body, "field_info", None), "annotation", None)
    if len(wrong["loc"]) != 2 or not isinstance(model, type) or not issubclass(model, BaseModel):
        return ""
    names = sorted(field.alias or name for name, field in model.model_fields.items())
    return f"The fields are: {', '.join(names)}"
