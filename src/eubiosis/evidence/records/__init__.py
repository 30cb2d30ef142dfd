"""The published records as closed tables, and how they are loaded and listed."""
