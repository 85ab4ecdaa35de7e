"""How near the pipeline is to the limit: the same work in one process, without broker and SQL."""
