"""Run independent pieces of work over processes, in an order that changes no result."""
