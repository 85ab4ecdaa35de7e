"""The dashboard of Grafana over the API: every request is answered, and every column is there."""

import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from tests.api_program import SPAN, Program

DASHBOARD = json.loads(
    (Path(__file__).parents[3] / "deploy/grafana/dashboards/moodline-api.json").read_text()
)
VALUES = {
    "$url/api/v1": "",
    "${__from:date:iso}": SPAN["from"],
    "${__to:date:iso}": SPAN["to"],
    "${source:percentencode}": "door",
    "$step": "3600",
}


def targets() -> Iterator[tuple[str, dict[str, Any]]]:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target
    for one in DASHBOARD["annotations"]["list"]:
        yield one["name"], one["target"]
    for one in DASHBOARD["templating"]["list"]:
        if one["type"] == "query":
            yield one["name"], one["query"]["infinityQuery"]


@pytest.mark.parametrize(("title", "target"), [*targets()])
def test_requests_are_answered_with_the_columns(
    reader: Program, title: str, target: dict[str, Any]
) -> None:
    url = target["url"]
    for name, value in VALUES.items():
        url = url.replace(name, value)
    assert "$" not in url

    answer = reader.get(url)

    root = target["root_selector"]
    steps = [int(one) if one.isdecimal() else one for one in root.split(".") if one]
    found = reduce(lambda value, step: value[step], steps, answer)
    rows = found if isinstance(found, list) else [found]
    assert rows or title in {"Problems", "Markers", "Alerts"}, url
    for row in rows[:1]:
        missing = [one["selector"] for one in target["columns"] if one["selector"] not in row]
        assert missing == []
    if target["format"] == "timeseries":
        assert target["columns"][0]["type"] == "timestamp"
        assert any(row["person_s"] for row in rows)


def test_annotations_have_the_names_that_grafana_reads() -> None:
    for annotation in DASHBOARD["annotations"]["list"]:
        names = [one["text"] for one in annotation["target"]["columns"]]
        assert names == ["time", "timeEnd", "title", "text", "tags"]
