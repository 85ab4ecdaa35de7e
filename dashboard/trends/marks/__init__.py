"""Marks on the charts of Trends: alerts that fired, and markers that people and programs set."""
