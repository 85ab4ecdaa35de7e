"""Commands that analyse recordings, and that list, export and delete runs."""
