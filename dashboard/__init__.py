"""The dashboard: pages over the read API. It knows analytics and contracts, and no pipeline."""
