"""Figures in a page: ids never clash, references resolve, what the user wrote stays as it is."""

import io
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from report_input_factory import make_report_input

from eubiosis.report.figures.style import house_style, new_figure, to_svg
from eubiosis.report.figures.svg import inline_svg, references
from eubiosis.report.trial.page import trial_report

XML = '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x">'
WHOLE = f"""{XML}
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 9 9">
 <metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><a id="m"/></rdf:RDF></metadata>
 <defs><style type="text/css">*{{stroke-linejoin: round}}</style>
  <clipPath id="c"><rect width="1"/></clipPath><path id="p" d="M0 0"/></defs>
 <!-- id="comment" url(#nowhere) -->
 <use xlink:href="#p" style="fill: url(#c); stroke: url(#p)"/><use href="#p" clip-path="url(#c)"/>
 <text xml:space="preserve">id="a" href="#a" url(#a) &lt;b&gt; &amp; ü</text>
</svg>
"""


class Ids(HTMLParser):
    """Every id of a page, and everything that refers to one."""

    def __init__(self, page):
        super().__init__()
        self.ids, self.wanted = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):  # noqa: ARG002
        for key, value in attrs:
            if key == "id":
                self.ids.append(value)
            elif key in ("href", "xlink:href") and (value or "").startswith("#"):
                self.wanted.append(value[1:])
            elif key in ("aria-labelledby", "aria-describedby", "for", "headers"):
                self.wanted += value.split()
            else:
                self.wanted += [part.partition(")")[0] for part in (value or "").split("url(#")[1:]]

    handle_startendtag = handle_starttag


def pages():
    with house_style():
        drawn = []
        for name in ("courses", "shares"):
            figure, axes = new_figure(1, 2, width=6, height=2)
            axes[0][0].plot([0.0, 1.0], [0.0, 1.0], "o-")
            axes[0][1].barh([0, 1], [0.2, 0.4])
            drawn.append(to_svg(figure, origin="simulated", name=name, label=name))
        axis = "".join(drawn)
        pictures = {name: whole_svg() for name in ("forest", "funnel")}
    return {
        "trial": trial_report(make_report_input()),
        "axis": f"<html><body>{axis}</body></html>",
        "pool": "".join(inline_svg(text, name=name) for name, text in pictures.items()),
    }


def whole_svg():
    """Return the SVG document of a small figure, as matplotlib writes it."""
    figure, axes = new_figure(1, 1, width=3, height=2)
    axes[0][0].plot([0, 1], [0, 1], "s-")
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg")
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["trial", "axis", "pool"])
def test_no_two_figures_of_a_page_share_an_id_and_every_reference_resolves(name):
    found = Ids(pages()[name])
    assert len(found.ids) > 10
    assert len(found.wanted) > 10
    assert len(found.ids) == len(set(found.ids))
    assert set(found.wanted) <= set(found.ids)


def test_ids_and_every_kind_of_reference_get_the_name_and_text_does_not():
    text = inline_svg(WHOLE, name="one", label='"A" & <b>')
    root = ElementTree.fromstring(text)
    assert sorted(e.get("id") for e in root.iter() if e.get("id")) == ["one-c", "one-p"]
    assert sorted(references(root)) == ["one-c", "one-c", "one-p", "one-p", "one-p"]
    assert root.get("aria-label") == '"A" & <b>'
    assert root.get("role") == "img"
    assert root.get("style") == "stroke-linejoin: round"
    assert 'id="a" href="#a" url(#a) <b> & ü' in [e.text for e in root.iter()]
    for word in ("metadata", "comment", "<?xml", "DOCTYPE", "ns0", "<style"):
        assert word not in text
    assert text.startswith(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    )


def test_the_element_is_the_same_figure():
    """Taking the name away again gives the tags, attributes and texts that were there."""
    before = whole_svg()
    after = ElementTree.fromstring(inline_svg(before, name="n").replace("n-", ""))
    tree = ElementTree.fromstring(before)
    for parent in list(tree.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    pairs = list(zip(tree.iter(), after.iter(), strict=True))
    assert len(pairs) > 50
    for old, new in pairs[1:]:
        assert (old.tag, old.attrib, old.text) == (new.tag, new.attrib, new.text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<svg", "no SVG"),
        ("<html/>", "no SVG but html"),
        ('<svg xmlns="http://www.w3.org/2000/svg"><use href="#x"/></svg>', 'refers to "x"'),
        ('<svg xmlns="http://www.w3.org/2000/svg"><g fill="url(#x)"/></svg>', 'refers to "x"'),
        ('<svg xmlns="http://www.w3.org/2000/svg" xmlns:h="urn:h"><h:p/></svg>', "which is not SVG"),
    ],
)
def test_what_is_no_figure_is_refused(text, said):
    with pytest.raises(ValueError, match=said):
        inline_svg(text, name="one")


def test_a_style_for_some_elements_stays():
    text = '<svg xmlns="http://www.w3.org/2000/svg"><style>.a{fill: red} *{x: y}</style></svg>'
    assert "<style>.a{fill: red} *{x: y}</style>" in inline_svg(text, name="one")


def test_a_label_of_a_user_is_text():
    with house_style():
        figure, axes = new_figure(1, 1, width=3, height=2)
        axes[0][0].set_title('<a id="x"> url(#x) & --> ]]>')
        text = to_svg(figure, origin="o", name="f", label="l")
    root = ElementTree.fromstring(text)
    assert any((e.text or "").strip() == '<a id="x"> url(#x) & --> ]]>' for e in root.iter())


def test_the_origin_is_wrapped_to_the_width_of_its_figure():
    """A line of 6.5 point letters half as wide as high, 20 an inch, would run out of the figure."""
    figure, _ = new_figure(1, 1, width=4.0, height=3.0)
    origin = "what the marks are and over how many worlds they stand " * 5 + "\nEubiosis"
    to_svg(figure, origin=origin, name="wrapped", label="a figure")
    lines = figure._supxlabel.get_text().split("\n")
    assert len(lines) > 2
    assert max(map(len, lines)) <= 80
    assert " ".join(lines).split() == origin.split()
