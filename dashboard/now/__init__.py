"""The page Now: the live sources, pushed to the browser as they change."""

from dashboard.now.page import NOW
from dashboard.now.wall import WALL

__all__ = ["NOW", "WALL"]
