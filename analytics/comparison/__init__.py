"""Two times compared: which earlier time, how different the shares are, and how certain that is.

Every page, command and route that compares takes its verdict from here.
"""
