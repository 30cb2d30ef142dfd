"""A run's observed tables in the shapes that other programs expect."""
