"""Integer artifacts: a network is fine-tuned so that rounding changes its answers little.

Belongs here: folding of batch norms, and rounding as LiteRT rounds. Does not: the conversion to a
file and its card, which training.export writes.
"""
