"""The site is built without a warning, holds every page and command, and asks nothing of the network."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="Sphinx is not installed")
pytest.importorskip("myst_parser", reason="MyST is not installed")
pytest.importorskip("furo", reason="Furo is not installed")

ROOT = Path(__file__).parents[2]
# what a browser fetches by itself: not the links that a reader may follow
FETCHED = re.compile(r"<(?:script|img|iframe|source|audio|video)[^>]*\ssrc=[\"'](?P<src>[^\"']+)|"
                     r"<link(?P<link>[^>]*)>")  # fmt: skip
REMOTE = re.compile(r"^(?:https?:)?//")


@pytest.fixture(scope="module")
def make_site():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("make_site", ROOT / "docs" / "make_site.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_site"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(make_site, tmp_path_factory):
    """The folder of the site; a warning of Sphinx is a failure."""
    out = tmp_path_factory.mktemp("site")
    assert make_site.main(["--out", str(out)]) == 0
    return out


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_it_is_built_and_whole_and_asks_for_nothing(site, make_site):
    pages = list(site.rglob("*.html"))
    names = {page.relative_to(site).as_posix() for page in pages}
    for page in sorted((ROOT / "docs").rglob("*.md")):
        assert page.relative_to(ROOT).with_suffix(".html").as_posix() in names
    for page in pages:
        for found in FETCHED.finditer(page.read_text(encoding="utf-8")):
            link = found["link"] or ""
            href = re.search(r"href=[\"']([^\"']+)", link)
            target = found["src"] or (href[1] if href and "canonical" not in link else "")
            assert not REMOTE.match(target), f"{page.name}: {target}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), (
            sheet.name
        )


def test_the_reference_names_every_command_and_every_public_name(make_site):
    page = make_site.commands_page()
    for path, _ in make_site.commands(make_site.cli, ()):
        assert f"## eubiosis {' '.join(path)}\n" in page
    assert "simulate" in make_site.room_page("trial")
    schemas = make_site.schemas_page()
    assert "| `participants`" not in schemas  # it is a key of design
    assert "| `primary`" in schemas
    assert "| `effects`" in schemas


def test_every_page_has_a_place_in_the_menu(make_site, tmp_path):
    make_site.stage(tmp_path)
    index = (tmp_path / "index.md").read_text(encoding="utf-8")
    for page in tmp_path.rglob("*.md"):
        name = page.relative_to(tmp_path).with_suffix("").as_posix()
        assert name in ("index", "README") or f"\n{name}\n" in index, name
