"""Alerts: facts of windows in, states and events out.

`evaluation` decides and reads nothing; `window_facts` and `away_facts` read; `round` does both for
all rules and stores the result; `preview` does both for the past and stores nothing.
"""
