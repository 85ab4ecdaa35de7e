"""Commands for the installation: database schema, users, checks and version."""
