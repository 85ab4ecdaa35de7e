"""Models of two networks: the second one also reads the faces that are hard for the first.

Belongs here: joining two artifacts. Does not: how their answers are combined, which is
runtime.second_look, as workers need it.
"""
