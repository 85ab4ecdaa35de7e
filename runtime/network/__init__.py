"""The network: which addresses may be reached."""
