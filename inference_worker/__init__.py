"""The inference stage: reads frames from the broker, analyses faces and commits the records.

Decoding of sources belongs in `ingest`, questions about the records in `analytics`.
"""
