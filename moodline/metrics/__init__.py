"""Prometheus' metrics of the sources and of the whole system."""
