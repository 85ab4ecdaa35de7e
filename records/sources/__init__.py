"""Live sources: settings, claims of their supervisors, state intervals, and sealed addresses."""
