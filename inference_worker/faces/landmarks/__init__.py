"""Landmarks of a face, an option of runs: how open eyes and mouth are, and 52 blendshapes."""
