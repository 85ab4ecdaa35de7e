"""Joins the ES modules of assets/ into one classic script, without a build tool (decision 0021).

Each module becomes a function that runs once, after the modules that it imports. Supported are
`import { a, b } from "./path.js";` and `export` before a declaration.
"""

import posixpath
import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

_IMPORT: Final = re.compile(r'^import \{([^}]*)\} from "([^"]+)";$', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:const|class|(?:async )?function) (\w+))", re.MULTILINE)
_UNSUPPORTED: Final = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)


def join_modules(modules: Mapping[str, str]) -> str:
    """Return one script that runs all modules, each after those it imports.

    modules: source text by path, as in `now/tile.js`. Raises ValueError for an import of a module
    or name that does not exist, a circle of imports, and an unsupported form of import or export.
    """
    exports = {path: _EXPORT.findall(source) for path, source in modules.items()}
    imports = {path: _imports(path, source) for path, source in modules.items()}
    for path, imported in imports.items():
        for other, names in imported.items():
            for name in names:
                if name not in exports.get(other, ()):
                    raise ValueError(f"{path} imports {name}, which {other} does not export")
    try:
        order = list(TopologicalSorter(imports).static_order())
    except CycleError as exc:
        raise ValueError(f"the imports form a circle: {' -> '.join(exc.args[1])}") from exc
    functions = [_function(path, modules[path], exports[path]) for path in order]
    return "(() => {\n" + '"use strict";\n' + "".join(functions) + "})();\n"


def _imports(path: str, source: str) -> dict[str, list[str]]:
    """The imported names by path of the module."""
    found: dict[str, list[str]] = {}
    for names, target in _IMPORT.findall(source):
        listed = [name.strip() for name in names.split(",") if name.strip()]
        found.setdefault(_resolved(path, target), []).extend(listed)
    return found


def _resolved(path: str, target: str) -> str:
    """The path of a module that is imported as `target`."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _function(path: str, source: str, exports: list[str]) -> str:
    def take(match: re.Match[str]) -> str:
        return f"const {{{match[1]}}} = {_variable(_resolved(path, match[2]))};"

    body = _EXPORT.sub("", _IMPORT.sub(take, source))
    if unsupported := _UNSUPPORTED.search(body):
        raise ValueError(f"{path}: cannot join {unsupported[0]!r}")
    return (
        f"const {_variable(path)} = (() => {{\n{body}return {{ {', '.join(exports)} }};\n}})();\n"
    )


def _variable(path: str) -> str:
    """A name that no module can have itself: `now/tile.js` becomes `now$tile`."""
    return path.removesuffix(".js").replace("/", "$")
