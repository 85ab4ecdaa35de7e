"""What all stages agree on: labels, messages, records, settings, errors. Knows no stage."""
