"""Growing the evidence: add records, import references, remove duplicates, screen, and count the flow."""
