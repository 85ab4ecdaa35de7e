"""The read path: queries and exports over the records."""
