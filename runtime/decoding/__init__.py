"""Limits for processes that decode bytes of strangers."""
