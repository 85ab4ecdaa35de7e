"""Recordings, each decoded once, completely and in order. Not for sources that do not wait.

A frame passes, in this order: discovery, opening, decoding, lost_packets, reading_pass, source,
publisher. `process` is the program that runs a publisher.
"""
