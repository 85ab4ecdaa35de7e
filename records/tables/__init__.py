"""The tables, one module per noun, and no queries.

Importing this package registers every table with `Base.metadata`.
"""

from records.tables import (
    api_tokens,
    base,
    faces,
    operations,
    rollups,
    runs,
    sources,
    summary_steps,
    uploads,
    users,
)

__all__ = [
    "api_tokens",
    "base",
    "faces",
    "operations",
    "rollups",
    "runs",
    "sources",
    "summary_steps",
    "uploads",
    "users",
]
