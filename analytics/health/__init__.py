"""Health: one verdict on the whole system, with its reasons and what mends each.

Pages, commands, probes and metrics all show the verdict that `judgement.judge` makes of the same
facts. docs/decisions/0052 says what each level means.
"""
