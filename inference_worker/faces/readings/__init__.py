"""Readings of a track over time: smoothed from the past, or from a window around each moment."""
