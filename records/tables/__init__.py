"""The tables. Importing this package registers every one of them with `Base.metadata`."""

from records.tables import (
    base,
    faces,
    operations,
    rollups,
    run_steps,
    runs,
    sources,
    uploads,
    users,
)

__all__ = [
    "base",
    "faces",
    "operations",
    "rollups",
    "run_steps",
    "runs",
    "sources",
    "uploads",
    "users",
]
