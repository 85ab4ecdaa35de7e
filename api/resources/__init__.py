"""The resources, one module per noun. Each adds its routes to the application."""
