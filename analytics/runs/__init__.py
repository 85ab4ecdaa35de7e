"""Single runs: the list, their numbers, media-time timelines, tracks and dead letters.

Questions across runs and days belong to `history`.
"""
