"""The page Now: what every live source shows, pushed as it happens."""

from dashboard.now.page import NOW

__all__ = ["NOW"]
