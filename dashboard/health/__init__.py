"""The verdict on every page: read once for all viewers, shown as a banner, title and icon."""
