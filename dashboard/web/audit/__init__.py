"""The dashboard's entries in the audit: user, action and network address."""
