"""The sentences of Trends: on charts, on the verdict, and on recordings."""
