"""Estimands and statistics on observed tables: the same functions serve a virtual and a real trial."""
