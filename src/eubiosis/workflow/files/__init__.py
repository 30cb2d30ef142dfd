"""YAML with lines: from a file to domain objects, with every finding at once."""
