"""The fer library beside moodline: whole recordings, and its model alone."""
