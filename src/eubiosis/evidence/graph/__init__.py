"""The knowledge graph: its tables, how it is built, asked and exported."""
