"""Scores of a model's answers: protocols, people's agreement, degraded faces, groups, video."""
