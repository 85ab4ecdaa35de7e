"""A turn of the worker: read and decoded messages, and their way to committed rows."""
