"""Virtual people: generators fitted to stool tables, what they give away, and how they compare."""
