"""Pages and pictures of the evidence."""
