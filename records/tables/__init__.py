"""The tables, one module per noun, and no queries.

Importing this package registers every table with `Base.metadata`.
"""

from records.tables import (
    alerts,
    api_tokens,
    base,
    faces,
    markers,
    operations,
    rollups,
    runs,
    saved_views,
    sources,
    summary_steps,
    uploads,
    users,
)

__all__ = [
    "alerts",
    "api_tokens",
    "base",
    "faces",
    "markers",
    "operations",
    "rollups",
    "runs",
    "saved_views",
    "sources",
    "summary_steps",
    "uploads",
    "users",
]
