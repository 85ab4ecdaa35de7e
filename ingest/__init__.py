"""Decode sources and publish their frames onto the bus."""
