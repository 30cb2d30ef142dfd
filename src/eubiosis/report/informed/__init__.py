"""What the data informed, as a page."""
