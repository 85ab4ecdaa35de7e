"""Symptoms from public bug reports of projects with the same job, tried on moodline.

Each row of a table names the report (project and number), its symptom, an input that shows it, and
what moodline makes of it. Add a row for each report that is tried, whether it held or not.
"""
