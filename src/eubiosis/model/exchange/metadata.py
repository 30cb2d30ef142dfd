"""What an archive says about itself: name, version, licence, species, sources; its manifest."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree import ElementTree

from eubiosis.core.version import __version__
from eubiosis.model.content import Content

READ = ("full_text", "table", "abstract", "data_file")
_DOI = re.compile(r"\b(10\.\d{4,9}/[^\s,;]+)")
_SPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "pav": "http://purl.org/pav/",
    "bqbiol": "http://biomodels.net/biology-qualifiers/",
}
_MANIFEST = "http://identifiers.org/combine.specifications/omex-manifest"
_LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
_HUMAN = "http://identifiers.org/taxonomy/9606"
DESCRIPTION = (
    "Simulated. A research model of the gut-immune-brain axis in multiple sclerosis: not evidence of "
    "efficacy, not medical advice. Most numbers are assumed; the gut-to-host couplings are a hand fit and "
    "predict nothing."
)


def sources_read(content: Content) -> tuple[str, ...]:
    """Return the DOIs of sources that were read for the model's numbers, sorted; not second-hand ones."""
    rows = (*content.numbers.values(), *content.initial.values())
    found = {doi.rstrip(".") for row in rows if row.read in READ for doi in _DOI.findall(row.source)}
    return tuple(sorted(found))


def manifest_xml(entries: Iterable[tuple[str, str, bool]]) -> str:
    """Return the manifest of an archive; ``entries`` are (location, format, whether it is opened first)."""
    ElementTree.register_namespace("", _MANIFEST)
    root = ElementTree.Element(f"{{{_MANIFEST}}}omexManifest")
    for location, form, master in entries:
        attributes = {"location": location, "format": form} | ({"master": "true"} if master else {})
        ElementTree.SubElement(root, f"{{{_MANIFEST}}}content", attributes)
    return _text(root)


def metadata_rdf(content: Content, files: Iterable[tuple[str, str]]) -> str:
    """Return the metadata of an archive and its (location, title) files as RDF."""
    for prefix, space in _SPACES.items():
        ElementTree.register_namespace(prefix, space)
    root = ElementTree.Element(_name("rdf:RDF"))
    archive = ElementTree.SubElement(root, _name("rdf:Description"), {_name("rdf:about"): "."})
    _literal(archive, "dcterms:title", "Eubiosis: the gut-immune-brain axis in multiple sclerosis")
    _literal(archive, "dcterms:description", DESCRIPTION)
    _literal(archive, "pav:version", __version__)
    creator = ElementTree.SubElement(archive, _name("dcterms:creator"))
    who = ElementTree.SubElement(creator, _name("foaf:Organization"))
    _literal(who, "foaf:name", "The Eubiosis developers")
    _resource(archive, "dcterms:license", _LICENCE)
    _resource(archive, "bqbiol:hasTaxon", _HUMAN)
    for doi in sources_read(content):
        _resource(archive, "dcterms:references", f"https://doi.org/{doi}")
    for location, title in files:
        each = ElementTree.SubElement(root, _name("rdf:Description"), {_name("rdf:about"): location})
        _literal(each, "dcterms:title", title)
    return _text(root)


def _name(prefixed: str) -> str:
    prefix, name = prefixed.split(":")
    return f"{{{_SPACES[prefix]}}}{name}"


def _literal(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, _name(name)).text = text


def _resource(parent: ElementTree.Element, name: str, target: str) -> None:
    ElementTree.SubElement(parent, _name(name), {_name("rdf:resource"): target})


def _text(root: ElementTree.Element) -> str:
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
