"""YAML with line numbers, and documents of `moodline apply` with errors that name them."""

from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ConfigFileError
from moodline.as_code.document import FromEnv, FromFile
from moodline.as_code.parsing import ParsedFile, parse_file
from moodline.as_code.yaml_lines import read_yaml

SECRET = "write the text itself, {env: NAME} or {file: PATH}"


def parsed(text: str, **environment: str) -> ParsedFile:
    return parse_file(dedent(text), "m.yaml", Path("/nowhere"), environment)


def test_each_part_has_the_line_of_its_key() -> None:
    found = read_yaml("a: 1\nb:\n  c:\n    - x\n    - {d: 2}\n", "m.yaml")
    assert found.value == {"a": 1, "b": {"c": ["x", {"d": 2}]}}
    assert found.lines == {
        (): 1,
        ("a",): 1,
        ("b",): 2,
        ("b", "c"): 3,
        ("b", "c", 0): 4,
        ("b", "c", 1): 5,
        ("b", "c", 1, "d"): 5,
    }
    assert found.at(("b", "c", 1, "unknown")) == "m.yaml:5"


def test_merged_and_repeated_parts_are_read() -> None:
    text = "base: &base {x: 1, y: 2}\na: {<<: *base, y: 3}\nb: *base\n"
    assert read_yaml(text, "m").value == {
        "base": {"x": 1, "y": 2},
        "a": {"x": 1, "y": 3},
        "b": {"x": 1, "y": 2},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "m.yaml:1: it is empty"),
        ("a: 1\nb: [\n", "m.yaml:3: it is not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", "m.yaml:3: the key 'a' stands twice"),
        ("x:\n  1: a\n", "m.yaml:2: the key 1 is not a text"),
        ("a: !!python/object:os.system x\n", "m.yaml:1: it is not valid YAML"),
        ("a: *unknown\n", "m.yaml:1: it is not valid YAML: found undefined alias"),
        ("a: 2026-99-99\n", "not valid YAML"),
        ("[" * 100 + "]" * 100, "it has too many parts"),
        ("a: 1\nb: \0\n", "m.yaml:2: it is not valid YAML: special characters"),
        ("a: !!int x\n", "not valid YAML"),
        ("? [a]\n: b\n", "not a text"),
    ],
)
def test_text_that_is_not_valid_yaml_names_the_line(text: str, message: str) -> None:
    with pytest.raises(ConfigFileError) as error:
        read_yaml(text, "m.yaml")
    assert message in str(error.value)


def test_a_small_file_cannot_become_a_huge_one() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ConfigFileError, match="too many parts"):
        read_yaml("\n".join(lines), "m.yaml")


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("sources: {}\n", ["m.yaml:1: version: it is missing"]),
        ("version: 2\n", ["m.yaml:1: version: use 1"]),
        ("- a\n", ["m.yaml:1: it has no keys"]),
        (
            "version: 1\nsource:\n  door: {}\n",
            ["m.yaml:2: source: there is no key of this name. Did you mean sources?"],
        ),
        (
            "version: 1\nsources:\n  door:\n    uri: rtsp://camera/\n",
            ["m.yaml:4: sources.door.uri: there is no key of this name. Did you mean address?"],
        ),
        (
            "version: 1\nsources:\n  door:\n    fsp: 5\n    mirror: 1\n",
            [
                "m.yaml:4: sources.door.fsp: there is no key of this name. Did you mean fps?",
                "m.yaml:5: sources.door.mirror: it is not true or false",
            ],
        ),
        (
            "version: 1\nsources:\n  door:\n    zones:\n      mask:\n"
            "        - points: [[0, 0, 1]]\n",
            ["m.yaml:6: sources.door.zones.mask.0.points.0: it has too many entries: at most 2"],
        ),
        (
            "version: 1\nretention:\n  faces: 90\n  minute: 1d\n",
            [
                "m.yaml:3: retention.faces: use days or weeks, such as 90d or 12w, or forever",
                "m.yaml:4: retention.minute: there is no key of this name. Did you mean minutes?",
            ],
        ),
        (
            "version: 1\nalerts:\n  x:\n    severity: bad\n    for: [5m]\n",
            [
                "m.yaml:3: alerts.x.when: it is missing",
                "m.yaml:4: alerts.x.severity: use 'info', 'warning' or 'critical'",
                "m.yaml:5: alerts.x.for: it is not a text",
            ],
        ),
        (
            "version: 1\nsources:\n  door:\n    address: {evn: X}\n",
            [f"m.yaml:4: sources.door.address: {SECRET}"],
        ),
        (
            "version: 1\nsources:\n  door:\n    address: {env: A, file: b}\n    fps: 0\n",
            [
                f"m.yaml:4: sources.door.address: {SECRET}",
                "m.yaml:5: sources.door.fps: use at least 0.1",
            ],
        ),
    ],
)
def test_each_wrong_part_is_named_with_its_line(text: str, messages: list[str]) -> None:
    with pytest.raises(ConfigFileError) as error:
        parsed(text)
    lines = str(error.value).split("\n")
    assert len(lines) == len(messages), lines
    for line, message in zip(lines, messages, strict=True):
        assert line.startswith(message), lines


def test_secrets_come_from_the_environment_and_files(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cret\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    found = parse_file("version: 1\n", "m.yaml", tmp_path, {"DOOR": "rtsp://x"})
    assert found.resolve(FromEnv(env="DOOR")) == "rtsp://x"
    assert found.resolve(FromFile(file="pw")) == "s3cret"
    assert found.resolve("plain") == "plain"
    for secret, message in (
        (FromEnv(env="DESK"), "DESK is not set"),
        (FromFile(file="none"), "No such file"),
        (FromFile(file="empty"), "one line of text"),
        (FromFile(file="binary"), "not UTF-8"),
        (FromFile(file="."), "cannot read"),
    ):
        with pytest.raises(ConfigFileError, match=message):
            found.resolve(secret)


@given(st.text(max_size=200))
def test_any_text_gives_a_document_or_a_named_error(text: str) -> None:
    try:
        parse_file(text, "m.yaml", Path("/nowhere"), {})
    except ConfigFileError as exc:
        assert "m.yaml" in str(exc)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["version", "sources", "alerts", "retention", "zones", "x", "address"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_any_value_gives_a_document_or_a_named_error(value: object) -> None:
    try:
        parse_file(yaml.safe_dump(value), "m.yaml", Path("/nowhere"), {})
    except ConfigFileError as exc:
        assert "m.yaml" in str(exc)
