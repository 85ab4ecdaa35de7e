"""Pictures: drawing results onto frames, the live view, and single images.

The analysis of faces belongs in `inference_worker.faces`.
"""
