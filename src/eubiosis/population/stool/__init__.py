"""Stool tables: reading, scale, checks, and the sums of the model's guilds."""
