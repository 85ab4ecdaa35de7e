"""Attacks on the real servers. Each test fails on the version before the issue it belongs to."""
