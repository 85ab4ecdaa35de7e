"""Limits that keep the dashboard available: connections, deadlines, and fair shares of its work."""
