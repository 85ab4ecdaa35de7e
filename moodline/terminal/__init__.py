"""Text in and out of a terminal: times, tables, charts, JSON. It reads no database."""
