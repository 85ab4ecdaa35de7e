"""Makes the model that the pipeline ships: data, training, calibration, export, report."""
