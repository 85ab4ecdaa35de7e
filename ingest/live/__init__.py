"""Cameras and streams, of which the newest frame counts. Not for recordings, which lose no frame.

A frame passes, in this order: opening, inputs, pacing, reader, newest_frame, publisher,
run_stream. `supervision/` has the processes that do this.
"""
