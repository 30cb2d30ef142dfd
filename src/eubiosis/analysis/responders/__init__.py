"""Who responds differently: what a trial can learn of it from its observed tables."""
