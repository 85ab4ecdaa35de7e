"""One source: its day and week, its states, its settings and its runs."""
