"""Sizes, power and assurance of a trial that is planned."""
