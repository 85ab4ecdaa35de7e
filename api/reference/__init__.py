"""The reference page of the API: its OpenAPI document as HTML, without scripts or other files."""
