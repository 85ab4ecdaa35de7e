"""The entries of a run's stream: a message, or where it is in shared memory, with a signature."""
