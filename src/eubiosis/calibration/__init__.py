"""Evidence meets model: roles of rows, history matching, weighted worlds, what the data informed."""
