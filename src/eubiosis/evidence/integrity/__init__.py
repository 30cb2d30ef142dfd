"""Checks of records, of printed numbers and of claims in circulation."""
