"""Serving: what the pages and the API both need.

That is: the account of a request, the services behind it, its share of the work, and its audit.
"""
