"""Examples: a value of a schema, from its own examples where it has some."""

from collections.abc import Mapping
from typing import Any, Final

_REF: Final = "#/components/schemas/"
_FORMATS: Final = {"date-time": "2026-11-30T08:00:00Z", "binary": ""}
_TYPES: Final[Mapping[str, Any]] = {
    "string": "text",
    "integer": 1,
    "number": 0.5,
    "boolean": False,
    "null": None,
}


def example_of(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    """Return a value that the schema allows."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        return example_of(document, document["components"]["schemas"][name])
    known = schema.get("examples") or schema.get("enum")
    if known:
        return known[0]
    if "default" in schema:
        return schema["default"]
    return _of_type(document, schema)


def _of_type(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Any:
    if "anyOf" in schema:
        return example_of(document, schema["anyOf"][0])
    if "properties" in schema:
        fields = schema["properties"].items()
        return {name: example_of(document, one) for name, one in fields}
    if schema.get("type") == "object":
        extra = schema.get("additionalProperties")
        return {"name": example_of(document, extra)} if isinstance(extra, Mapping) else {}
    if schema.get("type") == "array":
        parts = schema.get("prefixItems") or [schema["items"]]
        return [example_of(document, one) for one in parts]
    return _FORMATS.get(schema.get("format", ""), _TYPES.get(str(schema.get("type"))))
