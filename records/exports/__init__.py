"""Exports that programs ask for, and get as files later."""
