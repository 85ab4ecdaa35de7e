"""Tests of a source: reading it for a few seconds, in a process of its own."""
