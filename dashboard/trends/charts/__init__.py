"""The figures of Trends, as plotly.js takes them. Nothing here reads the records."""
