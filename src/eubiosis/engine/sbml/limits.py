"""Limits of what is read at all, looked at before any other reader sees the text."""

from __future__ import annotations

from xml.parsers import expat

from eubiosis.engine.sbml.errors import refuse

MOST_ELEMENTS, DEEPEST = 500_000, 1_000


def refuse_beyond_limits(text: str) -> None:
    """Raise ``UnsupportedSbmlError`` for a text of too many or too deeply nested elements, or with entities.

    Readers recurse into nested elements, so that a text nested deeply enough ends a process; entities can
    grow without end. A text that is no XML is left to the reader, which says so.
    """
    parser = expat.ParserCreate(encoding="utf-8")
    counted = _Counted()
    parser.StartElementHandler = counted.open
    parser.EndElementHandler = counted.close
    parser.EntityDeclHandler = counted.entity
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError:
        return


class _Counted:
    def __init__(self) -> None:
        self.elements = self.depth = 0

    def open(self, name: str, attributes: dict[str, str]) -> None:
        del attributes
        self.elements += 1
        self.depth += 1
        if self.depth > DEEPEST:
            raise refuse(f"element {name}", f"elements nested more than {DEEPEST} deep,")
        if self.elements > MOST_ELEMENTS:
            raise refuse("the model", f"a text of more than {MOST_ELEMENTS} elements")

    def close(self, name: str) -> None:
        del name
        self.depth -= 1

    def entity(self, name: str, *rest: object) -> None:
        del rest
        raise refuse(f"entity {name}", "an entity declaration")
