"""The current state of sources and unfinished runs. Past days belong to `history`."""
