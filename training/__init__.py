"""Training of the expression model: data, recipes, the loop, calibration, export, evaluation.

What a worker needs to run a model belongs in `inference_worker`.
"""
