"""Rollups as they are stored: the windows that times fall into, and how sums are written.

Which rows become sums is decided in `analytics.history`.
"""
