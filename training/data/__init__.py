"""Labelled faces: data set readers, augmentation, near-duplicates and average faces."""
