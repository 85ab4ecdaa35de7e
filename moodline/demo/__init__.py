"""`moodline demo`: clips with known expressions, a generated month of history, a demo camera."""
