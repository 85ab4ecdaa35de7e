"""Resources of the history: rollups over a range, with the same arguments as the page Trends."""
