"""Files that are offered: CSV always, Parquet where the extra for it is installed."""

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from analytics.export.exporter import export_records
from analytics.export.record_pages import Selection
from contracts.errors import FeatureUnavailableError
from runtime.files.free_space import FreeSpace
from serving.backend import Backend
from serving.services import MediaFile

PARQUET_TYPE: Final = "application/vnd.apache.parquet"


def attachment(name: str) -> dict[str, str]:
    """Return the header of a file to be saved. name: without quotes."""
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def has_parquet() -> bool:
    """Return whether Parquet files can be written here."""
    return find_spec("pyarrow") is not None


def require_parquet() -> None:
    """Raise FeatureUnavailableError if Parquet files cannot be written here."""
    if not has_parquet():
        raise FeatureUnavailableError(
            "this installation writes no Parquet files",
            hint="Choose CSV, or install moodline[export] on the dashboard's host",
        )


def parquet_file(backend: Backend, selection: Selection) -> MediaFile:
    """Write the records to a file without a name, which goes when it is closed.

    Raises ExportError, DiskFullError, RunNotFoundError and FeatureUnavailableError.
    """
    require_parquet()
    settings = backend.settings
    settings.home_path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.home_path, prefix="download-") as folder:
        path = Path(folder) / "records.parquet"
        space = FreeSpace(settings.min_free_bytes)
        export_records(backend.engine, selection, path, space, card=backend.model_card())
        return MediaFile(path.open("rb"), PARQUET_TYPE)
