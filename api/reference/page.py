"""The reference page: one section per tag, one part per operation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from api.conventions.route import SCOPE
from api.reference.examples import example_of

_TEMPLATE: Final = Path(__file__).with_name("page.html")
_REF: Final = "#/components/schemas/"
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter or field. kind: its type in words. where: query, path, header or ""."""

    name: str
    kind: str
    where: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Shape:
    """A body. schema: the name of its model, "" for none. rows: its fields. example: JSON."""

    schema: str
    rows: Sequence[Row]
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. curl: a command that calls it. problems: statuses with their meaning."""

    anchor: str
    method: str
    path: str
    scope: str
    title: str
    text: str
    parameters: Sequence[Row]
    body: Shape | None
    answer: Shape | None
    status: str
    problems: Sequence[tuple[str, str]]
    curl: str


@dataclass(frozen=True, slots=True)
class Section:
    """The operations of one tag."""

    name: str
    text: str
    operations: Sequence[Operation]


def reference_page(document: Document, address: str) -> str:
    """Return the page. address: of the API, as in a curl command."""
    operations = list(_operations(document, address))
    named = {tag["name"]: tag["description"] for tag in document["tags"]}
    sections = [
        Section(tag, text, [one for name, one in operations if name == tag])
        for tag, text in named.items()
    ]
    models = [
        (name, _shape(document, {"$ref": _REF + name}))
        for name in sorted(document["components"]["schemas"])
    ]
    return _template().render(
        info=document["info"], sections=sections, models=models, address=address
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATE.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["marked"] = _marked
    return environment.get_template(_TEMPLATE.name)


def _marked(text: str) -> Markup:
    """Return a text as HTML: what stands between backticks is code."""
    parts = [escape(one) for one in text.split("`")]
    return Markup().join(
        Markup("<code>{}</code>").format(one) if index % 2 else one
        for index, one in enumerate(parts)
    )


def _operations(document: Document, address: str) -> Iterator[tuple[str, Operation]]:
    for path, methods in document["paths"].items():
        for method, found in methods.items():
            responses = found["responses"]
            status = next(one for one in responses if one.startswith("2"))
            yield (
                found["tags"][0],
                Operation(
                    anchor=f"{method}-{path.strip('/').replace('/', '-')}",
                    method=method.upper(),
                    path=path,
                    scope=found[SCOPE],
                    title=found["summary"],
                    text=found.get("description", ""),
                    parameters=[_parameter(document, one) for one in found.get("parameters", ())],
                    body=_content(document, found.get("requestBody", {})),
                    answer=_content(document, responses[status]),
                    status=status,
                    problems=[
                        (code, one["description"])
                        for code, one in responses.items()
                        if not code.startswith("2")
                    ],
                    curl=_curl(document, method, path, found, address),
                ),
            )


def _parameter(document: Document, found: Document) -> Row:
    schema = found["schema"]
    text = found.get("description") or schema.get("description", "")
    return Row(
        found["name"], _kind(document, schema), found["in"], found.get("required", False), text
    )


def _content(document: Document, found: Document) -> Shape | None:
    """Return the JSON of a body or response; None if it has none."""
    content = found.get("content", {})
    if "application/json" not in content:
        return None
    return _shape(document, content["application/json"]["schema"])


def _shape(document: Document, schema: Document) -> Shape:
    name = schema.get("$ref", "").removeprefix(_REF)
    model = document["components"]["schemas"][name] if name else schema
    required = model.get("required", ())
    rows = [
        Row(field, _kind(document, one), "", field in required, one.get("description", ""))
        for field, one in model.get("properties", {}).items()
    ]
    example = json.dumps(example_of(document, schema), indent=2, ensure_ascii=False)
    return Shape(name, rows, example)


def _kind(document: Document, schema: Document) -> str:
    """Return a type in words, such as "integer 1..1000" or "list of Run"."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        model = document["components"]["schemas"][name]
        return _kind(document, model) if "enum" in model else name
    if "anyOf" in schema:
        return " or ".join(_kind(document, one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(json.dumps(one, ensure_ascii=False) for one in schema["enum"])
    if schema.get("type") == "array":
        parts = schema.get("prefixItems") or [schema["items"]]
        return f"list of {', '.join(_kind(document, one) for one in parts)}"
    kind = schema.get("format") or schema.get("type", "any")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        kind += f" {'' if low is None else low}..{'' if high is None else high}"
    return str(kind)


def _curl(document: Document, method: str, path: str, found: Document, address: str) -> str:
    parts = ['curl -H "Authorization: Bearer $TOKEN"']
    if method != "get":
        parts.append(f"-X {method.upper()}")
    body = found.get("requestBody", {}).get("content", {})
    if "application/json" in body:
        example = example_of(document, body["application/json"]["schema"])
        text = json.dumps(example, ensure_ascii=False).replace("'", "'\\''")
        parts.append(f"-H 'Content-Type: application/json' -d '{text}'")
    elif body:
        parts.append("--data-binary @FILE")
    values = {"{name}": "door", "{run_id}": "RUN_ID"}
    for name, value in values.items():
        path = path.replace(name, value)
    query = "&".join(
        f"{one['name']}=0"
        for one in found.get("parameters", ())
        if one["in"] == "query" and one.get("required")
    )
    parts.append(f"'{address}{path}{'?' + query if query else ''}'")
    return " \\\n  ".join(parts)
