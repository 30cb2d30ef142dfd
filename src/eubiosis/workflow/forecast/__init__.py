"""What a group's stool and plasma would show under a therapy, beside three simple competitors."""
