"""The page Now: the live sources, pushed to the browser as they change."""

from dashboard.now.page import NOW

__all__ = ["NOW"]
