"""Commands that tell people: alerts and their targets."""
