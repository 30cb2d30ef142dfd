"""The model to and from other tools: COMBINE archives out, edited modules in."""
