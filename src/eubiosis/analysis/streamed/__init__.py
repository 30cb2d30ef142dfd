"""Trials too large to be held at once, analysed from sums that are gathered block by block."""
