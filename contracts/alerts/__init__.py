"""Alerts as data: measures, conditions, rules, and what happens to an alert."""
