"""The page of a stool table's profile."""
