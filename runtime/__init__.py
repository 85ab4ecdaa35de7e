"""The process kit: child processes, restart and retry, pipes, stop signals, failpoints and logs.

Nothing here knows frames, runs, the broker or the database.
"""
