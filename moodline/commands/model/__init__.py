"""`moodline model`: commands that train, export, calibrate and score models."""
