"""Benchmarks: the only code that asserts times. Not part of the installed package.

Each benchmark measures side by side, and writes a dated file to benchmarks/results/.
"""
