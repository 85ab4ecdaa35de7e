"""Recordings that users send to the dashboard: their files, their rows and the room they may take.

Nothing here opens a recording or queues it.
"""
