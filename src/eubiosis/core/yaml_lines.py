"""Read YAML into plain values that remember their lines; nothing in a file can run or grow.

Only plain data pass: mappings with text keys, lists, text, numbers, true, false and null. A tag, an anchor,
an alias or a key that occurs twice is a finding. Words such as "no" and "on" stay text, and "1e3" is a
number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from eubiosis.core.findings import FindingCollector
from eubiosis.core.place import Place, path_text
from eubiosis.core.tables import display_name

LARGEST = 1_000_000
DEEPEST = 30

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"([+-]?)\.?(nan|inf|infinity)", re.ASCII | re.IGNORECASE)
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))
_OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
_DATA = "text, numbers, lists and keys"


@dataclass(frozen=True)
class Document:
    """The content of a YAML file, and the line on which each place in it begins (from 1)."""

    file: str
    content: object
    lines: Mapping[Place, int]

    def place(self, where: Place) -> str:
        """Name a place as a reader finds it: "line 12, arms[1].therapy".

        A place that the file does not have is named with the line of what should hold it.
        """
        line = self.line(where)
        return ", ".join(part for part in (f"line {line}" if line else "", path_text(where)) if part)

    def line(self, where: Place) -> int:
        """Return the line of a place, or of what should hold it; 0 where there is none."""
        known = where
        while known and known not in self.lines:
            known = known[:-1]
        return self.lines.get(known, 0)


def read_yaml(path: Path, findings: FindingCollector) -> Document | None:
    """Read a YAML file; None (and findings) where it cannot be read at all.

    A double key keeps its first value and is a finding, so that the rest can still be checked.
    """
    file = display_name(path)
    text = _text(path, file, findings)
    if text is None:
        return None
    try:
        if not _is_plain(text, file, findings):
            return None
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        line = 0 if place is None else place.line + 1
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
        findings.add(
            file,
            f"line {line}" if line else "",
            f"not YAML: {problem}",
            allowed="key: value, indented with spaces",
            next_step="correct the line, or compare it with the file that eubiosis new makes",
            line=line,
        )
        return None
    if root is None:
        findings.add(file, "", "the file is empty", next_step="start from: eubiosis new NAME")
        return None
    lines: dict[Place, int] = {}
    content = _value(root, (), file, lines, findings)
    return Document(file, content, lines)


def _is_plain(text: str, file: str, findings: FindingCollector) -> bool:
    """Look for anchors, aliases and deep nesting before anything is built; report them."""
    depth, plain = 0, True
    for token in yaml.scan(text, Loader=yaml.BaseLoader):
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        line = token.start_mark.line + 1
        if depth > DEEPEST:
            findings.add(
                file,
                f"line {line}",
                "nested too deeply",
                allowed=_DATA,
                next_step="write the file flat",
                line=line,
            )
            return False
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken):
            mark = "*" if isinstance(token, yaml.AliasToken) else "&"
            findings.add(
                file,
                f"line {line}",
                f'"{mark}{token.value}" is an anchor or alias',
                allowed=_DATA,
                next_step="write the value out; put text that begins with & or * in quotes",
                line=line,
            )
            plain = False
    return plain


def _text(path: Path, file: str, findings: FindingCollector) -> str | None:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        findings.add(file, "", "the file is missing", next_step="correct the path")
        return None
    except OSError as error:
        findings.add(
            file,
            "",
            f"the file cannot be read ({error.strerror})",
            allowed="a readable text file",
            next_step="name the workflow file itself, and see that you may read it",
        )
        return None
    if len(raw) > LARGEST:
        findings.add(
            file,
            "",
            f"{len(raw)} bytes are too many for a workflow",
            allowed=f"up to {LARGEST} bytes",
            next_step="keep tables in files of their own and name them",
        )
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        findings.add(
            file,
            f"line {line}",
            "not UTF-8 text",
            allowed="UTF-8",
            next_step="save the file as UTF-8",
            line=line,
        )
        return None


def _value(
    node: yaml.Node, where: Place, file: str, lines: dict[Place, int], findings: FindingCollector
) -> object:
    lines.setdefault(where, node.start_mark.line + 1)
    if node.tag not in _PLAIN_TAGS:
        findings.add(
            file,
            f"line {node.start_mark.line + 1}, {path_text(where)}",
            f'the tag "{node.tag}" is not plain data',
            allowed=_DATA,
            next_step="remove the tag",
            line=node.start_mark.line + 1,
        )
        return None
    if isinstance(node, yaml.MappingNode):
        return dict(_entries(node, where, file, lines, findings))
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*where, k), file, lines, findings) for k, item in enumerate(node.value)]
    assert isinstance(node, yaml.ScalarNode)
    return _scalar(node.value) if node.style is None else node.value


def _entries(
    node: yaml.MappingNode, where: Place, file: str, lines: dict[Place, int], findings: FindingCollector
) -> Iterator[tuple[str, object]]:
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        if not name:
            findings.add(
                file,
                f"line {line}",
                "a key that is not text",
                allowed=_DATA,
                next_step="write a word",
                line=line,
            )
            continue
        inside = (*where, name)
        if name in seen:
            findings.add(
                file,
                f"line {line}, {path_text(inside)}",
                f'the key "{name}" occurs twice (first on line {seen[name]})',
                next_step="keep one",
                line=line,
            )
            continue
        seen[name] = line
        lines[inside] = line
        yield name, _value(value, inside, file, lines, findings)


def _scalar(text: str) -> object:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    odd = _NOT_FINITE.fullmatch(text)
    return float(f"{odd[1]}{odd[2]}") if odd else text
