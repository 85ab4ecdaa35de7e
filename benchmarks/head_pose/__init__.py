"""Head pose, and how well turned faces are read: on real faces, and on views of known angles."""
