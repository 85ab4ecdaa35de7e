"""Keeps one process for each live source of this host: supervisor, template and source process.

Reading and publishing one source is in `ingest.live`.
"""
