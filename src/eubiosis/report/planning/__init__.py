"""Figures of a planned trial: power and size over what is assumed."""
