"""Copies: recordings whose content was analysed at another place, and which get its rows.

Each path is a recording of its own, with a run, a source and a time. The same content is analysed
once: the other runs name the first (`runs.copy_of`), and get its rows at their own time.
"""
