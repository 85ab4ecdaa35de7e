"""Saved views of Trends."""
