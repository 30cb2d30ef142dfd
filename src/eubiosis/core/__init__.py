"""Units, provenance, tables, random streams and errors: what every other package stands on."""
