"""Sources, folders, retention and alerts as a file: `moodline apply` and `export-config`."""
