"""Addresses of pages, as links of other pages have them."""

from urllib.parse import quote


def source_path(name: str) -> str:
    """Return the address of a source's page below the dashboard's own."""
    return f"sources/{quote(name, safe='')}"
