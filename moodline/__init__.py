"""The command line, the services, and what connects the stages with the dashboard.

What a stage computes belongs in the stage's own package.
"""
