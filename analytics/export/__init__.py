"""Writing face and frame rows to CSV, Parquet and JSON lines. Summaries belong to `runs`."""
