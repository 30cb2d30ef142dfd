"""SVG text of a figure made fit for a page: ids of its own, a name for screen readers, no metadata."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_PREFIXES = {
    f"{{{_SVG}}}": "",
    f"{{{_XLINK}}}": "xlink:",
    "{http://www.w3.org/XML/1998/namespace}": "xml:",
}
_LINKS = ("href", "xlink:href")


def inline_svg(text: str, *, name: str, label: str = "") -> str:
    """Return a whole SVG document as an element that may stand in an HTML page.

    Every id gets ``name`` before it, so that two figures of one page never clash, and every reference
    ("#id" in a link, "url(#id)" in any attribute) follows. The XML declaration, the document type, comments
    and metadata go; a style for everything ("*{...}"), which would reach the whole page, becomes the figure's
    own. ``label`` is read to those who do not see the figure. Raises ``ValueError`` for text that is no SVG,
    for an element of another language and for a reference to an id that the figure does not have.

    >>> inline_svg('<svg xmlns="http://www.w3.org/2000/svg"><g id="a"/></svg>', name="one", label="A & B")
    '<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="A &amp; B"><g id="one-a" /></svg>'
    """
    root = _parsed(text, name)
    _remove_metadata(root)
    _own_style(root)
    ids = {element.attrib["id"] for element in root.iter() if "id" in element.attrib}
    for element in root.iter():
        attributes = {_plain(key): value for key, value in element.attrib.items()}
        element.tag = _plain(element.tag)
        element.attrib.clear()
        element.attrib.update({key: _renamed(key, value, name, ids) for key, value in attributes.items()})
    own = dict(root.attrib)
    root.attrib.clear()
    root.set("xmlns", _SVG)
    if any(key.startswith("xlink:") for element in root.iter() for key in element.attrib):
        root.set("xmlns:xlink", _XLINK)
    if label:
        own |= {"role": "img", "aria-label": label}
    root.attrib.update(own)
    root.tail = None
    return ElementTree.tostring(root, encoding="unicode")


def references(root: ElementTree.Element) -> Iterator[str]:
    """Yield every id of the same document that an attribute of a tree refers to."""
    for element in root.iter():
        for key, value in element.attrib.items():
            if key.replace(f"{{{_XLINK}}}", "xlink:") in _LINKS and value.startswith("#"):
                yield value[1:]
            for part in value.split("url(#")[1:]:
                yield part.partition(")")[0]


def _parsed(text: str, name: str) -> ElementTree.Element:
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        message = f"figure {name} is no SVG: {error}"
        raise ValueError(message) from error
    if root.tag != f"{{{_SVG}}}svg":
        message = f"figure {name} is no SVG but {root.tag}"
        raise ValueError(message)
    return root


def _remove_metadata(root: ElementTree.Element) -> None:
    for parent in list(root.iter()):
        for child in parent.findall(f"{{{_SVG}}}metadata"):
            parent.remove(child)


def _own_style(root: ElementTree.Element) -> None:
    """Turn a style sheet for everything into the style of the root, which everything inherits."""
    for parent in list(root.iter()):
        for child in parent.findall(f"{{{_SVG}}}style"):
            rules = (child.text or "").strip()
            if rules.startswith("*{") and rules.index("}") == len(rules) - 1:
                parent.remove(child)
                root.set("style", "; ".join(part for part in (root.get("style"), rules[2:-1]) if part))


def _renamed(key: str, value: str, name: str, ids: set[str]) -> str:
    """Return the value of an attribute with the name of the figure before every id in it."""
    if key == "id":
        return f"{name}-{value}"
    if key in _LINKS and value.startswith("#"):
        return f"#{name}-{_known(value[1:], name, ids)}"
    first, *rest = value.split("url(#")
    for part in rest:
        target, bracket, after = part.partition(")")
        first += f"url(#{name}-{_known(target, name, ids)}{bracket}{after}"
    return first


def _known(target: str, name: str, ids: set[str]) -> str:
    if target not in ids:
        message = f'figure {name} refers to "{target}", which it does not have'
        raise ValueError(message)
    return target


def _plain(word: str) -> str:
    """Return a tag or an attribute without its namespace; a prefix stays where SVG has one."""
    for namespace, prefix in _PREFIXES.items():
        if word.startswith(namespace):
            return prefix + word.removeprefix(namespace)
    if word.startswith("{"):
        message = f"an SVG holds {word}, which is not SVG"
        raise ValueError(message)
    return word
