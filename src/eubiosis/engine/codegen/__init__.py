"""The code generator: a system becomes a graph, the graph vector code, and that machine code."""
