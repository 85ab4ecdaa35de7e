"""Benchmarks of what people notice: walks of users, one beside an attack, a camera with a fault."""
