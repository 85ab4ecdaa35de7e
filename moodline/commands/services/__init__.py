"""Commands that run moodline's services, and that show and schedule what they do."""
