"""Resources of runs: one run is one analysis of one source."""
