"""Benchmarks of what others notice: users beside an attack, operators when a camera has a fault."""
