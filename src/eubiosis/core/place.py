"""A place inside a file or an object, and how it is written."""

from __future__ import annotations

Step = str | int
Place = tuple[Step, ...]


def path_text(where: Place) -> str:
    """Write a place as a path.

    >>> path_text(("arms", 1, "therapy"))
    'arms[1].therapy'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where)
    return text.removeprefix(".")
