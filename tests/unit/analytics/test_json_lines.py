"""JSON values of an export, compared with those of pandas, which earlier versions used."""

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analytics.export.json_lines import json_line


@given(st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 1) | st.text())
def test_a_json_value_is_written_as_pandas_writes_it(value: float | str) -> None:
    frame = pd.DataFrame([[value]], columns=["a/b"], dtype=object)
    try:
        expected = frame.to_json(orient="records", lines=True, double_precision=6)
    except (OverflowError, UnicodeEncodeError):
        return  # Infinity and lone surrogates, which no record has.
    assert json_line(["a/b"], [value]) == expected
