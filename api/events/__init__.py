"""The event stream: what happens, read once for all clients."""
