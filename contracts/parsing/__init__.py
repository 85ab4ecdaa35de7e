"""Parsers of text that users write."""
