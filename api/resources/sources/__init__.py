"""Resources of sources: cameras, streams, and what recordings are of."""
