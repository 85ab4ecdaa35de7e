"""Models of several networks: each but the first reads what is hard for those before it.

Belongs here: joining artifacts. Does not: how their answers are combined, which is
runtime.further_looks, as workers need it.
"""
