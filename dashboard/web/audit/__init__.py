"""What the dashboard writes into the audit: who did what, and from which address."""
