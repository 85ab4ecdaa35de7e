"""Resources of alerts: what rules saw, the rules, and whom they tell."""
