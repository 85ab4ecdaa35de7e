"""The command line: one module a command or command group, grouped by task.

A command's module is imported to show its help, so it imports its work inside its functions.
Work that is more than wiring and output belongs in the package that it is about.
"""
