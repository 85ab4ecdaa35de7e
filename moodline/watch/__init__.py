"""`moodline watch`: a live source in the terminal. It stores nothing."""
