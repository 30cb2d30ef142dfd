"""Build the documentation site: python docs/make_site.py [--out site].

Sphinx reads a copy of the Markdown pages, in the folders where they lie, so that every link between them
holds there as it does in a checkout. What is made from the code stands beside them: the reference of the
public names from their docstrings, of the commands from their help, of the files from their JSON Schemas.
Nothing in the output is fetched from anywhere. Any warning ends the build with status 1.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
from sphinx.cmd.build import build_main

from eubiosis.cli.main import cli, in_one_line
from eubiosis.core.json_data import JsonRecord
from eubiosis.core.output import check_place, copy_files, staged
from eubiosis.core.version import __version__

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("analysis", "engine", "evidence", "model", "population", "report", "therapy", "trial", "workflow")
FOLDERS = ("docs", "validation", "benchmarks", "findings")
SECTIONS = {  # caption in the menu -> pages below docs, in their order; a folder stands for the rest of it
    "Tutorials": ("tutorials",),
    "How to": ("how_to",),
    "Concepts": ("concepts",),
    "Reference": ("reference", "glossary", "gallery"),
}
CONF = """project = "Eubiosis"
author = "The Eubiosis developers"
release = "{version}"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = "Eubiosis {version}"
html_show_sourcelink = False
html_copy_source = False
myst_heading_anchors = 4
autodoc_typehints = "none"
autodoc_member_order = "bysource"
exclude_patterns = ["_build"]
"""
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)]*)?\)")


def stage(folder: Path) -> None:
    """Copy every page and what it links to into ``folder``, and write what is made from the code."""
    pages = [ROOT / name for name in ("README.md", "CHANGELOG.md")]
    for name in FOLDERS:
        pages += sorted((ROOT / name).rglob("*.md"))
    for page in pages:
        _copy(page, folder)
        for target in _LINK.findall(page.read_text(encoding="utf-8")):
            linked = (page.parent / target[0]).resolve()
            if linked.is_file() and linked.is_relative_to(ROOT) and linked.suffix != ".md":
                _copy(linked, folder)
    (folder / "conf.py").write_text(CONF.format(version=__version__), encoding="utf-8")
    made = folder / "made"
    made.mkdir()
    for room in ROOMS:
        (made / f"{room}.rst").write_text(room_page(room), encoding="utf-8")
    (made / "commands.md").write_text(commands_page(), encoding="utf-8")
    (made / "schemas.md").write_text(schemas_page(), encoding="utf-8")
    (folder / "index.md").write_text(index_page(folder), encoding="utf-8")


def _copy(path: Path, folder: Path) -> None:
    target = folder / path.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".md" and not path.read_text(encoding="utf-8").startswith("# "):
        title = path.stem.replace("_", " ").capitalize()  # a made table: a page of the site needs a title
        target.write_text(f"# {title}\n\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
        return
    shutil.copyfile(path, target)


def index_page(folder: Path) -> str:
    """Return the first page: the README, and the menu of all pages."""
    lines = ["```{include} README.md\n```\n"]
    for caption, parts in SECTIONS.items():
        names: list[str] = []
        for part in parts:
            below = folder / "docs" / part
            found = sorted(below.glob("*.md")) if below.is_dir() else [below.with_suffix(".md")]
            names += [
                f"docs/{p.relative_to(folder / 'docs').with_suffix('').as_posix()}"
                for p in found
                if p.is_file()
            ]
        if caption == "Reference":
            names += ["made/commands", "made/schemas", *(f"made/{room}" for room in ROOMS), "CHANGELOG"]
        lines.append(_toctree(caption, names))
    measured = [
        page.relative_to(folder).with_suffix("").as_posix()
        for name in ("validation", "benchmarks", "findings")
        for page in sorted((folder / name).rglob("*.md"))
    ]
    lines.append(_toctree("What was measured", measured))
    return "\n".join(lines)


def _toctree(caption: str, names: list[str]) -> str:
    listed = "\n".join(names)
    return f"```{{toctree}}\n:caption: {caption}\n:hidden:\n:maxdepth: 1\n\n{listed}\n```\n"


def room_page(room: str) -> str:
    """Return the reference of one package: its docstring, and every public name with its own."""
    package = import_module(f"eubiosis.{room}")
    title = f"eubiosis.{room}"
    lines = [title, "=" * len(title), "", f".. currentmodule:: eubiosis.{room}", ""]
    lines += [(package.__doc__ or "").strip(), ""]
    for name in sorted(package.__all__, key=str.lower):
        value = getattr(package, name)
        if not getattr(value, "__module__", "").startswith("eubiosis"):
            continue  # a name of another library, which documents it
        if isinstance(value, type):
            lines += [f".. autoclass:: {name}", "   :members:", "   :exclude-members: model_config", ""]
        elif callable(value):
            lines += [f".. autofunction:: {name}", ""]
    return "\n".join(lines)


def commands_page() -> str:
    """Return the reference of the shell: every command with its help."""
    lines = ["# Commands", "", "Made from the help of each command. Every one takes `--json`.", ""]
    for path, command in commands(cli, ()):
        context = click.Context(command, info_name="eubiosis " + " ".join(path))
        lines += [f"## eubiosis {' '.join(path)}", "", "```text", command.get_help(context), "```", ""]
    return "\n".join(lines)


def commands(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command that is no group, with the words that call it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is not None and not child.hidden:
            yield from commands(child, (*path, name))


def schemas_page() -> str:
    """Return the reference of the files that are read and written: their keys, from the JSON Schemas."""
    from eubiosis.core.trial_plan import TrialPlan
    from eubiosis.report.trial.results_schema import results_schema
    from eubiosis.workflow.files.workflow_yaml import workflow_schema
    from eubiosis.workflow.question import Question

    lines = ["# Files and their keys", "", "Made from the JSON Schemas that `eubiosis schema` prints.", ""]
    for title, name, schema in (
        ("The workflow of a run", "workflow", workflow_schema()),
        ("The question of a brief", "question", Question.json_schema()),
        ("The plan of an analysis", "plan", TrialPlan.json_schema()),
        ("results.json of a run", "results", results_schema()),
    ):
        lines += [f"## {title}", "", f"The whole schema: `eubiosis schema {name}`", ""]
        lines += ["| key | what it takes | needed |", "|---|---|---|"]
        needed = schema.get("required", [])
        properties = schema["properties"]
        assert isinstance(properties, dict)
        assert isinstance(needed, list)
        lines += [
            f"| `{key}` | {_takes(one)} | {'yes' if key in needed else ''} |"
            for key, one in properties.items()
        ]
        lines.append("")
    return "\n".join(lines)


def _takes(schema: JsonRecord) -> str:
    """Say in a cell what a key takes."""
    said = schema.get("description") or schema.get("title")
    kind = (
        schema.get("type") or schema.get("const") or ("one of several" if "anyOf" in schema else "an object")
    )
    if "enum" in schema:
        kind = "one of " + ", ".join(f"`{word}`" for word in schema["enum"])  # type: ignore[union-attr]
    text = str(kind) if said is None else f"{kind}: {said}"
    return " ".join(text.replace("|", "\\|").split())


def main(arguments: list[str]) -> int:
    """Build the site into --out; return the status of Sphinx, 1 where anything warned."""
    parser = argparse.ArgumentParser(prog="run.py docs", description="Build the documentation site.")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "site", help="the folder of the site (default: site)"
    )
    chosen = parser.parse_args(arguments)
    check_place(chosen.out, folder=True)
    with tempfile.TemporaryDirectory(prefix="eubiosis-docs-") as aside:
        source = Path(aside) / "source"
        source.mkdir()
        stage(source)
        cache = Path(aside) / "doctrees"
        built = Path(aside) / "site"
        status = build_main(
            ["-q", "-W", "--keep-going", "-b", "html", "-d", str(cache), str(source), str(built)]
        )
        if status == 0:
            with staged(chosen.out) as place:
                copy_files(built, place)
            print(chosen.out / "index.html")
    return int(status)


if __name__ == "__main__":
    sys.exit(in_one_line(lambda: main(sys.argv[1:])))
