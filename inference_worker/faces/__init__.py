"""Face analysis: from the pixels of a frame to tracked faces with smoothed expressions.

Functions of frames and checkpoints only: nothing here opens the broker or the database.
"""
