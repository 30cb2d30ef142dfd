"""The parts of ``fuzz.py``: good files with their readers, damage, and a watch over each case."""
