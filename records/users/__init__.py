"""Dashboard users: accounts, passwords, roles and sessions. No HTTP and no cookies."""
