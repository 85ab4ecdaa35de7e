"""The long-running services: `up`, `ingest`, `worker` and `scheduler`, with health and heartbeats.

The processes that they start and supervise are in `moodline.stack`.
"""
