"""Zones: parts of a source's picture that are read, left out, or blackened before they are read."""
