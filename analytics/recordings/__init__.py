"""Recordings by the thousand: their paged list, copies, new ones out of a range, and provenance.

Questions about a single run belong to `runs`.
"""
