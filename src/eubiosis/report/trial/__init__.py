"""The report of a virtual trial."""
