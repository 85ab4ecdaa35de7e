"""The benchmark of the dashboard: Trends over a year of data, and Now with many viewers."""
