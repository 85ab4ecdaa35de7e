"""The processes of one command or of `moodline up`: broker, ingestors, workers, side services.

The services that drive them are in `moodline.services`.
"""
