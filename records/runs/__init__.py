"""Runs as rows: the queue, claims, state changes, live runs, and the sums stored beside them.

Lists and reports of runs belong to `analytics.runs`.
"""
