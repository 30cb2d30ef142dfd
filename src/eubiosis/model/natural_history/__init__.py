"""The host half under its random drive: a population, its event rates, and what a clinic would count.

This checks the model against natural history. Virtual trials have their own population and trial layers.
"""
