"""Face detectors behind one interface; what follows faces over time is a level above."""
