"""The only place that knows the whole chain."""
