"""Power surfaces: cells of one pair of worlds, closed forms beside them, and the whole surface."""
