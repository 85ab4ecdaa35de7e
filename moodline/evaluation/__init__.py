"""Evaluation of what the pipeline reads: in an owner's photographs, and in labelled clips."""
