"""Deleting records: runs, retention and erasure, with the sums that stay. Nothing is read out."""
