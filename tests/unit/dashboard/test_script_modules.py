"""Modules are joined into one script in the order of their imports; mistakes name themselves."""

import re
from pathlib import Path

import pytest

import dashboard
from contracts.expressions import DARK_THEME, EXPRESSIONS, LIGHT_THEME
from dashboard.web.bundle import Bundle
from dashboard.web.palette import STACK
from dashboard.web.script_modules import join_modules

ASSETS = Path(dashboard.__file__).parent / "assets"
MODULES = {str(path.relative_to(ASSETS)): path.read_text() for path in sorted(ASSETS.rglob("*.js"))}


def test_a_module_runs_after_those_it_imports() -> None:
    joined = join_modules(
        {
            "a/page.js": 'import { make } from "../kit/dom.js";\nmake();\n',
            "kit/dom.js": "export function make() {}\nconst own = 1;\n",
        }
    )
    assert joined.index("const kit$dom = ") < joined.index("const a$page = ")
    assert "const { make } = kit$dom;" in joined
    assert "return { make };" in joined
    assert not re.search(r"^(import|export)\b", joined, re.MULTILINE)


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({"a.js": 'import { x } from "./b.js";\n'}, "a.js imports x, which b.js does not export"),
        (
            {"a.js": 'import { x } from "./b.js";\n', "b.js": "const x = 1;\n"},
            "a.js imports x, which b.js does not export",
        ),
        (
            {
                "a.js": 'import { b } from "./b.js";\nexport const a = 1;\n',
                "b.js": 'import { a } from "./a.js";\nexport const b = 1;\n',
            },
            "circle",
        ),
        ({"a.js": 'import * as b from "./b.js";\n', "b.js": ""}, "a.js: cannot join"),
        ({"a.js": "export default 1;\n"}, "a.js: cannot join"),
    ],
    ids=["module", "name", "circle", "import", "export"],
)
def test_what_cannot_be_joined_is_an_error(modules: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        join_modules(modules)


def test_the_pages_modules_can_be_joined_and_are_small() -> None:
    join_modules(MODULES)
    assert max(source.count("\n") for source in MODULES.values()) <= 300


def test_every_export_is_used() -> None:
    imported = {
        name.strip()
        for source in MODULES.values()
        for names in re.findall(r"^import \{([^}]*)\}", source, re.MULTILINE)
        for name in names.split(",")
    }
    for path, source in MODULES.items():
        exported = re.findall(r"^export (?:const|class|(?:async )?function) (\w+)", source, re.M)
        assert set(exported) <= imported, path


def test_scripts_and_python_have_the_same_order_of_expressions() -> None:
    def listed(name: str) -> tuple[str, ...]:
        (text,) = re.findall(rf"const {name} = \[(.*?)\]", MODULES["kit/expressions.js"], re.DOTALL)
        return tuple(re.findall(r'"(\w+)"', text))

    assert listed("MODEL_ORDER") == EXPRESSIONS
    assert (*listed("EXPRESSIONS"), *listed("LABELS")) == STACK


def test_the_bundle_has_the_colours_of_both_themes() -> None:
    bundle = Bundle("/", ASSETS)
    _, tag = bundle.tags("", '<link rel="stylesheet" href="/assets/base.css">')
    (name,) = re.findall(r'href="[^"]*/(moodline\.[^"]*\.css)"', tag)
    sheet = (bundle.file(name) or b"").decode()
    for label, colour in LIGHT_THEME.labels.items():
        assert f"--{label}: light-dark({colour}, {DARK_THEME.labels[label]});" in sheet
