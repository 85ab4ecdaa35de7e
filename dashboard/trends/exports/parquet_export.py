"""The Parquet file of a view: a row a bucket of each series. Its metadata says what it is of."""

import io
import json
from typing import Final

from analytics.export.exporter import PROVENANCE_KEY
from analytics.recordings.provenance import provenance_document
from dashboard.trends.exports.bucket_rows import COLUMNS, BucketRows

_TEXTS: Final = {"source", "tag"}
_MOMENTS: Final = {"begin", "end"}
_MARKS: Final = {"generated", "partly_in_range"}
_COUNTS: Final = {"tracks", "tentative_tracks"}


def parquet_bytes(found: BucketRows, query: str) -> bytes:
    """Return the file. query: of the view, for the provenance under the key of exports.

    The rows are sums over runs; the runs themselves are in exports of records.
    """
    # pyarrow takes a second to load, and is needed for this file alone.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    def type_of(column: str) -> object:
        if column in _TEXTS:
            return pa.string()
        if column in _MOMENTS:
            return pa.timestamp("us", tz=str(found.zone))
        if column in _MARKS:
            return pa.bool_()
        return pa.int64() if column in _COUNTS else pa.float64()

    rows = [*found.rows()]
    columns = [*zip(*rows, strict=True)] if rows else [()] * len(COLUMNS)
    arrays = [
        pa.array([*map(bool, values)] if column in _MARKS else values, type=type_of(column))
        for column, values in zip(COLUMNS, columns, strict=True)
    ]
    document = provenance_document(
        (),
        file=f"{found.name}.parquet",
        rows=len(rows),
        since=found.since,
        until=found.until,
        time_zone=str(found.zone),
        view=query,
        columns=[*COLUMNS],
    )
    metadata = {PROVENANCE_KEY: json.dumps(document, indent=1, ensure_ascii=False)}
    schema = pa.schema(
        [(name, one.type) for name, one in zip(COLUMNS, arrays, strict=True)], metadata=metadata
    )
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), file)
    return file.getvalue()
