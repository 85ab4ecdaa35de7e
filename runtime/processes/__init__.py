"""Processes: children and their supervision, the death signal, and Python's garbage collector."""
