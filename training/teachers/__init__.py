"""Knowledge distillation: predictions and weights of other networks that a student learns from."""
