"""The SQL records: tables, migrations, and one repository per noun (runs, sources, users, ...).

A repository reads and writes rows for its own noun. Questions over history belong to `analytics`.
"""
