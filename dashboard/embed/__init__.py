"""One chart for pages of other sites, without scripts and with a token."""
