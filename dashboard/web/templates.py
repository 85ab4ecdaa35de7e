"""HTML pages from Jinja2 templates. A template is in the folder of the module that fills it."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from dashboard.language.words import _, current_viewing, n_
from dashboard.web.theme import current_theme
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
    environment.globals |= {
        "_": _,
        "n_": n_,
        "marked": marked,
        "code": code,
        "language": _language_tag,
        "theme": current_theme,
    }
    return environment.get_template(path.name)


def marked(english: str, **values: str) -> Markup:
    """Return a text of the catalogue with HTML in the place of its names: Markup values."""
    return Markup(escape(_(english))).format(**values)  # noqa: S704  (the text is escaped)


def code(text: str) -> Markup:
    """Return a text as code."""
    return Markup("<code>{}</code>").format(text)


def _language_tag() -> str:
    return current_viewing().tag


def _visible(value: object) -> object:
    """Return a text without steering characters, as in the title; HTML stays as it is."""
    return visible(value) if type(value) is str else value
