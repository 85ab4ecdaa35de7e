"""Implementations of the interfaces in `serving.services`, with the code of the stages.

Files and cameras that strangers may control are opened in child processes.
"""
