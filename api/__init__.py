"""The REST API `/api/v1`: the read API and the repositories, for programs."""
