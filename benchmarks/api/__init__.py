"""The REST API over HTTP: times of reads, validators, memory, and event streams."""
