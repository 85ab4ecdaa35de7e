"""HTML pages from Jinja2 templates. A template is in the folder of the module that fills it."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from runtime.visible_text import visible


@cache
def template(path: Path) -> Template:
    """Return the compiled template. It escapes every value; a missing value raises."""
    environment = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(path.name)


def _visible(value: object) -> object:
    """Return a text without steering characters, as in the title; HTML stays as it is."""
    return visible(value) if type(value) is str else value
