"""Analysis of recordings by one command: queue them, run the pipeline, report, annotate."""
