"""The page of a real trial's table: estimates, figures, methods, in one file."""
