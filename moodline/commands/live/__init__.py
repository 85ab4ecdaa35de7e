"""Commands for live sources: `source` and `watch`."""
