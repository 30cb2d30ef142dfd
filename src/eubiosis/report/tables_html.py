"""Tables of a finished page: stacked on a phone, headed for screen readers, scrolled by keyboard.

Templates write plain tables; what every one of them needs is added here, once.
"""

from __future__ import annotations

import html
import re
import textwrap

_TABLE = re.compile(
    r'(<div class="scroll"[^>]*>\s*)?<table(?P<own>[^>]*)>(?P<inside>.*?)</table>(?P<close>\s*</div>)?',
    re.DOTALL,
)
_HEAD = re.compile(r"<thead>(.*?)</thead>", re.DOTALL)
_BODY = re.compile(r"<tbody>(.*?)</tbody>", re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<(td|th)\b([^>]*)>")
_HEADING = re.compile(r"<th\b([^>]*)>(.*?)</th>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_CAPTION = re.compile(r"<caption[^>]*>(.*?)</caption>", re.DOTALL)
_BLOCK = re.compile(r'(?<!\s)<span class="minor')  # a line of its own: a space keeps it apart in plain text
_LONGEST = 70


def finish_tables(page: str) -> str:
    """Return the page with every table in a region that the keyboard can scroll, its cells named.

    Text of users is escaped when it reaches this: a "<" in the page always opens a tag.

    >>> made = finish_tables("<table><thead><tr><th>a</th><th>b</th></tr></thead>"
    ...                      "<tbody><tr><th>1</th><td>2</td></tr></tbody></table>")
    >>> '<th scope="row">1</th><td data-name="b">2</td>' in made, 'tabindex="0"' in made
    (True, True)
    >>> cell = '<table><tbody><tr><td>29<span class="minor">10</span></td></tr></tbody></table>'
    >>> '29 <span class="minor">10' in finish_tables(cell)
    True
    """
    number = 0

    def one(found: re.Match[str]) -> str:
        nonlocal number
        number += 1
        own, inside = found["own"], found["inside"]
        head = _HEAD.search(inside)
        names: list[str] = []
        if head is not None:
            names = [_plain(text) for _, text in _HEADING.findall(head[1])]
            scoped = _HEADING.sub(_scoped_column, head[0])
            inside = inside.replace(head[0], scoped, 1)
            own = _with_class(own, "cards")
        inside = _BODY.sub(lambda body: "<tbody>" + _rows(body[1], names) + "</tbody>", inside)
        inside = _BLOCK.sub(' <span class="minor', inside)
        caption = _CAPTION.search(inside)
        words = html.unescape(_plain(caption[1]) if caption else ", ".join(names))
        words = textwrap.shorten(words, _LONGEST, placeholder=" …")
        label = html.escape(f"Table {number}: {words}".rstrip(": "), quote=True)
        opened = f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">'
        closing = "</div>" if found[1] else f"</div>{found['close'] or ''}"
        return f"{opened}<table{own}>{inside}</table>{closing}"

    return _TABLE.sub(one, page)


def _rows(body: str, names: list[str]) -> str:
    def row(found: re.Match[str]) -> str:
        place = -1

        def cell(tag: re.Match[str]) -> str:
            nonlocal place
            place += 1
            kind, rest = tag[1], tag[2]
            if kind == "th":
                return tag[0] if "scope=" in rest else f'<th scope="row"{rest}>'
            if "data-name=" in rest or place >= len(names):
                return tag[0]
            return f'<td{rest} data-name="{html.escape(html.unescape(names[place]), quote=True)}">'

        return _CELL.sub(cell, found[0])

    return _ROW.sub(row, body)


def _scoped_column(found: re.Match[str]) -> str:
    rest = found[1] if "scope=" in found[1] else f' scope="col"{found[1]}'
    return f"<th{rest}>{found[2]}</th>"


def _with_class(attributes: str, name: str) -> str:
    if "class=" not in attributes:
        return f'{attributes} class="{name}"'
    if name in attributes.split('class="', 1)[1].split('"', 1)[0].split():
        return attributes
    return attributes.replace('class="', f'class="{name} ', 1)


def _plain(text: str) -> str:
    return " ".join(_TAG.sub(" ", text.replace("&shy;", "").replace("\u00ad", "")).split())
