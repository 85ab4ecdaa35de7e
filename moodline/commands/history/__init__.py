"""Commands that show, rebuild and erase what was recorded."""
