"""YAML with line numbers: the value of a document, and the line of each part of it."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from contracts.errors import ConfigFileError

Place = tuple[Hashable, ...]
"""The keys and indexes that lead to a part of the document."""
_LARGEST_FILE: Final = 2**20
_MOST_NODES: Final = 100_000
_DEEPEST: Final = 50


@dataclass(slots=True)
class LinedYaml:
    """A document. lines: by place, from 1. file: its name, for messages."""

    file: str
    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)

    def line(self, place: Place) -> int:
        """Return the line of a part, or of the nearest part around it."""
        for end in range(len(place), -1, -1):
            if place[:end] in self.lines:
                return self.lines[place[:end]]
        return 1

    def at(self, place: Place) -> str:
        """Return FILE:LINE of a part, for messages."""
        return f"{self.file}:{self.line(place)}"


def read_yaml(text: str, file: str) -> LinedYaml:
    """Return the document in a text. Raises ConfigFileError, which names the line."""
    found = LinedYaml(file)
    if len(text) > _LARGEST_FILE:
        raise ConfigFileError(f"{file} is larger than {_LARGEST_FILE >> 20} MiB")
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if node is None:
            raise ConfigFileError(f"{file}:1: it is empty", hint="Begin with `version: 1`")
        found.value = _Reader(loader, found).read(node, (), 0)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigFileError(f"{file}:{line}: it is not valid YAML: {exc.problem}") from exc
    except yaml.reader.ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        raise ConfigFileError(f"{file}:{line}: it is not valid YAML: {exc.reason}") from exc
    except (yaml.YAMLError, RecursionError, ValueError, TypeError, OverflowError) as exc:
        raise ConfigFileError(f"{file} is not valid YAML: {' '.join(str(exc).split())}") from exc
    return found


@dataclass(slots=True)
class _Reader:
    """Reads nodes, and notes their lines."""

    loader: yaml.SafeLoader
    found: LinedYaml
    nodes: int = 0

    def read(self, node: yaml.Node, place: Place, depth: int) -> Any:
        line = node.start_mark.line + 1
        self.found.lines.setdefault(place, line)
        self.nodes += 1  # An alias is read again each time: a short file could become a huge one.
        if self.nodes > _MOST_NODES or depth > _DEEPEST:
            raise ConfigFileError(
                f"{self.found.file}:{line}: it has too many parts",
                hint="Write it in fewer, and let no anchor (&) contain its own alias (*)",
            )
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place, depth)
        if isinstance(node, yaml.SequenceNode):
            return [
                self.read(item, (*place, number), depth + 1)
                for number, item in enumerate(node.value)
            ]
        return self.loader.construct_object(node)

    def _mapping(self, node: yaml.MappingNode, place: Place, depth: int) -> Mapping[str, Any]:
        self._refuse_repeated(node)
        self.loader.flatten_mapping(
            node
        )  # What `<<` takes over comes first: own keys go before it.
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            is_plain = isinstance(key_node, yaml.ScalarNode)
            key = self.loader.construct_object(key_node) if is_plain else key_node.id
            line = key_node.start_mark.line + 1
            if not is_plain or not isinstance(key, str):
                raise ConfigFileError(
                    f"{self.found.file}:{line}: the key {key!r} is not a text",
                    hint=f'Write it in quotes: "{key}"',
                )
            self.found.lines[*place, key] = line
            values[key] = self.read(value_node, (*place, key), depth + 1)
        return values

    def _refuse_repeated(self, node: yaml.MappingNode) -> None:
        seen: set[object] = set()
        for key_node, _ in node.value:
            if isinstance(key_node.value, str) and key_node.value in seen:
                raise ConfigFileError(
                    f"{self.found.file}:{key_node.start_mark.line + 1}: the key "
                    f"{key_node.value!r} stands twice",
                    hint="Keep one of the two",
                )
            if isinstance(key_node.value, str):
                seen.add(key_node.value)
