"""Effect sizes and pooled estimates: heterogeneity, small-study effects, certainty."""
