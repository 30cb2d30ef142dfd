"""The brief as a page."""
