"""The page of the model: its wiring as a picture, its equations, numbers and signs."""
