"""Conventions of all resources: problems, fields, cursors, validators and repeated requests."""
