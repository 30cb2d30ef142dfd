"""A real trial's table under its analysis plan: match, estimate, summarise, and say what was done."""
