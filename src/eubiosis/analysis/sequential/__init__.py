"""Group-sequential boundaries and decisions at interim looks."""
