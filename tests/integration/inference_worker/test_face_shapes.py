"""The shapes of faces that a worker stores, in exports."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Engine

from analytics.export.exporter import export_records
from analytics.export.record_pages import Selection
from contracts.frame_results import FaceShape
from tests.integration.inference_worker.test_label_revisions import begin, commit, story

pytestmark = pytest.mark.both_databases

SHAPE = FaceShape(0.31, 0.125, tuple(n / 51 for n in range(52)))


def test_shapes_are_stored_and_exported(engine: Engine, tmp_path: Path) -> None:
    store, taken = begin(engine, "shapes")
    first, second = (replace(one, revisions=()) for one in story()[:2])
    with_shape = replace(first, faces=(replace(first.faces[0], shape=SHAPE), first.faces[1]))

    commit(store, taken, [with_shape, second])

    for suffix in ("parquet", "csv"):
        assert export_records(engine, Selection(), tmp_path / f"faces.{suffix}") == 4
    parquet, csv = pd.read_parquet(tmp_path / "faces.parquet"), pd.read_csv(tmp_path / "faces.csv")
    assert parquet.blendshapes[0] == pytest.approx(SHAPE.blendshapes, abs=5e-4)
    assert parquet.blendshapes[1:].isna().all()
    assert "blendshapes" not in csv.columns
    for rows in (parquet, csv):
        assert (rows.eye_openness[0], rows.mouth_openness[0]) == pytest.approx((0.31, 0.125))
        assert rows.eye_openness[1:].isna().all() and rows.mouth_openness[1:].isna().all()
