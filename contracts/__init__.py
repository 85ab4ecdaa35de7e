"""Data types, constants, settings and errors that all stages share.

Imports no other package of moodline. Nothing here opens a connection or holds state.
"""
