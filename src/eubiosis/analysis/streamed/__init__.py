"""Trials too large to be held at once, analysed from sums that are gathered a block of participants at a time."""
