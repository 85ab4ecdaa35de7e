"""The REST API `/api/v1`: the read API and the repositories, for programs.

Each module of `resources` is one noun. `conventions` holds what all of them share.
"""
