"""Rollups over wall-clock time: computing them, and timelines, totals and heat maps from them.

Questions about a single run belong to `runs`.
"""
