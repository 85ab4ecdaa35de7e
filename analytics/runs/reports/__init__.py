"""Reports of one run: numbers, timeline and tracks, as sentences and as a JSON document.

Questions over several runs belong to `analytics.runs` or `analytics.history`.
"""
