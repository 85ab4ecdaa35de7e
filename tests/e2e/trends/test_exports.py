"""Exports of the page Trends: CSV, link and picture."""

import csv
import io
import json
import re
import shutil
import urllib.request
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from sqlalchemy import Engine, func, select, update

from contracts.settings import Settings
from contracts.times import MICROS
from records.database import open_engine, reading, transaction
from records.rollups.windows import HOUR_S
from records.tables.rollups import rollups
from records.tables.sources import Source
from runtime.decoding.opencv import cv2
from serving.backend import Backend
from tests.e2e.trends.trends_page import change_to_dark, opened_trends
from tests.pages import serving


def test_the_csv_file_has_the_numbers_of_the_chart(
    page: Page, address: str, engine: Engine
) -> None:
    opened_trends(page, address, "from=now-7d&to=now&sources=library")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert {(row["source"], row["generated"]) for row in rows} == {("library", "1")}
    steps = page.evaluate(
        "document.querySelector('figure:not([hidden]) .js-plotly-plot').data[0].x.length"
    )
    assert len([row for row in rows if float(row["person_s"] or 0)]) == steps
    with reading(engine) as connection:
        happy = connection.execute(
            select(func.sum(rollups.c.happy_ms))
            .join(Source, Source.id == rollups.c.source_pk)
            .where(Source.name == "library", rollups.c.width_s == HOUR_S)
            .where(rollups.c.start >= _micros(rows[0]["begin"]))
        ).scalar_one()
    assert sum(float(row["happy_s"] or 0) for row in rows) == pytest.approx(int(happy) / 1000)


def test_the_parquet_file_has_the_same_numbers_with_types_and_their_origin(
    address: str, engine: Engine
) -> None:
    query = "from=now-3d&to=now&sources=library&zone=Europe/Berlin"

    def download(kind: str) -> bytes:
        with urllib.request.urlopen(f"{address}/api/trends/{kind}?{query}") as answer:
            assert answer.headers["content-disposition"].endswith(f'.{kind}"')
            return bytes(answer.read())

    table = pq.read_table(io.BytesIO(download("parquet")))
    lines = list(csv.DictReader(io.StringIO(download("csv").decode())))
    assert table.num_rows == len(lines) > 100 and table.column_names == [*lines[0]]
    assert str(table.schema.field("begin").type) == "timestamp[us, tz=Europe/Berlin]"
    for row, line in zip(table.to_pylist(), lines, strict=True):
        assert row["begin"].isoformat() == line["begin"]
        assert row["happy_s"] == (float(line["happy_s"]) if line["happy_s"] else None)
    origin = json.loads(table.schema.metadata[b"moodline"])
    assert origin["format"] == "moodline-provenance/1" and origin["exported_by"] != "moodline"
    assert origin["export"]["time_zone"] == "Europe/Berlin"
    assert origin["export"]["view"] == "?from=now-3d&to=now&sources=library&mode=share"


def _micros(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * MICROS


def test_the_link_is_absolute(page: Page, address: str, viewer: BrowserContext) -> None:
    viewer.grant_permissions(["clipboard-read", "clipboard-write"])
    opened_trends(page, address, "from=now-7d&to=now&sources=library")
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#trends-tools")).to_contain_text("Link copied")
    copied = parse_qs(urlsplit(page.evaluate("navigator.clipboard.readText()")).query)
    assert copied["from"][0].endswith("Z") and copied["to"][0].endswith("Z")
    assert re.fullmatch(r"\S+Z/\S+Z", copied["compare"][0]), "also what it is compared with"


def test_a_saved_picture_has_title_and_legend(page: Page, address: str, shots: Path) -> None:
    opened_trends(page, address, "from=now-7d&to=now&sources=caf%C3%A9")
    for theme in ("light", "dark"):
        if theme == "dark":
            change_to_dark(page.locator("#charts figure:visible"))
        with page.expect_download() as download:
            page.get_by_role("button", name="Picture").click()
        assert download.value.suggested_filename == "moodline-café-generated.png"
        shutil.copy(download.value.path(), shots / f"picture-{theme}.png")
        png = cv2.imread(str(shots / f"picture-{theme}.png"), cv2.IMREAD_UNCHANGED)
        assert png is not None and (png.shape[2] == 3 or png[..., 3].min() == 255), "opaque"
        assert (png[4, 4, :3].mean() < 60) == (theme == "dark")
    page.evaluate("Plotly.downloadImage = figure => { window.given = figure; }")
    page.get_by_role("button", name="Picture").click()
    given = page.evaluate("window.given")
    title = given["layout"]["title"]["text"]
    assert title.startswith("café (generated)<br>") and "in steps of 1 h" in title
    assert given["layout"]["showlegend"] and [
        one["name"] for one in given["data"] if one["showlegend"]
    ]
    live = "document.querySelector('figure:not([hidden]) .js-plotly-plot').layout"
    assert not page.evaluate(f"{live}.showlegend"), "the page's own chart stays as it was"


def test_a_source_name_in_the_csv_file_is_not_a_formula(
    month_database: Path, tmp_path: Path
) -> None:
    engine = open_engine(f"sqlite:///{shutil.copyfile(month_database, tmp_path / 'records.db')}")
    with transaction(engine) as connection:
        connection.execute(update(Source).where(Source.name == "library").values(name="=1+1"))
    with (
        serving(Backend(engine, Settings())) as address,
        urllib.request.urlopen(f"{address}/api/trends/csv?from=now-24h", timeout=30) as answer,
    ):
        text = answer.read().decode()
    assert "'=1+1," in text and "\n=1+1" not in text
    engine.dispose()
