"""Take frames from the bus, find, track and classify faces, and write the records."""
