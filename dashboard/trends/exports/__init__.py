"""The files of a view: the buckets of its charts as CSV and Parquet."""
