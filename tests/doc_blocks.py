"""The code blocks of the documentation: find them, and hold each to its kind.

A block is fenced and says its language. A shell or Python block is run, unless the line above the fence says
``*Not run by the tests: why.*``; it is then checked without being run. A YAML block with a file name behind
its language (``yaml plan.yaml``) is written under that name and checked as ``eubiosis check`` does; one with
``part`` is checked inside the packaged template. A ``text`` block is what is printed, never a command.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import click
import yaml

from eubiosis.cli.main import cli
from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector
from eubiosis.workflow.files.check_files import check_file

ROOT = Path(__file__).parents[1]
TEMPLATE = PACKAGED_CONTENT / "trials" / "template.yaml"
LANGUAGES = ("sh", "python", "yaml", "json", "text")
_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```[ ]*$", re.DOTALL | re.MULTILINE)
_MARK = re.compile(r"\*Not run by the tests: (.+?)\.\*\s*\Z", re.DOTALL)
_COMMAND = re.compile(r"^\s*(\$ |(\S*/)?(eubiosis|python3?|pip|uv) )", re.MULTILINE)
_INDENTED = re.compile(r"(?<=\n\n)( {4}|\t)(?! *[-*] )\S.*")


@dataclass(frozen=True)
class Block:
    """One block: where it begins, its language and what stands behind that, its text, why it is not run."""

    page: str
    line: int
    language: str
    extra: str
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Return the pages of the documentation whose blocks are held to the rules."""
    others = [ROOT / "README.md", ROOT / "benchmarks" / "README.md", ROOT / "validation" / "README.md"]
    return [*others, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for each in _FENCE.finditer(text):
        language, _, extra = each[1].partition(" ")
        before = text[: each.start()].rstrip("\n")
        mark = _MARK.search(before[-400:])
        line = text.count("\n", 0, each.start()) + 1
        reason = " ".join(mark[1].split()) if mark else ""
        found.append(Block(page.relative_to(ROOT).as_posix(), line, language, extra.strip(), each[2], reason))
    return found


def faults(block: Block) -> list[str]:
    """Return what is wrong with how a block is written, without running it."""
    said = []
    if block.language not in LANGUAGES:
        said.append(f'language "{block.language}"; allowed: {", ".join(LANGUAGES)}')
    if "../shared" in block.text:
        said.append("names ../shared, which no reader has")
    if block.language == "text" and _COMMAND.search(block.text):
        said.append("a command in a text block, which nothing runs; make it sh")
    if block.language == "yaml" and not block.extra and not block.reason:
        said.append('a yaml block without a file name or "part" behind its language')
    return said


def indented(page: Path) -> list[str]:
    """Return lines of code blocks that are indented instead of fenced, outside lists."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    lists = re.sub(r"^([-*]|\d+\.) .*(\n(?=\S|\s*\n|\s).*)*?(?=\n\n\S|\Z)", "", text, flags=re.MULTILINE)
    return [each[0].strip() for each in _INDENTED.finditer(lists)]


def commands(text: str) -> list[list[str]]:
    """Return the commands of a shell block as words; comments are left out and broken lines joined."""
    whole = text.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in whole]
    return [line for line in words if line]


def is_ours(words: list[str]) -> bool:
    """Say whether a command is ``eubiosis``, wherever its program lies."""
    return Path(words[0]).name == "eubiosis"


def check_words(words: list[str]) -> str:
    """Ask the parser whether a command of ours exists with its options; return the fault, or nothing."""
    command: click.Command = cli
    context = click.Context(cli, info_name="eubiosis")
    rest = list(words[1:])
    rest = rest[: next((k for k, word in enumerate(rest) if word in (">", ">>")), len(rest))]
    try:
        while isinstance(command, click.Group):
            _, args, _ = command.make_parser(context).parse_args(list(rest))
            if not args:
                return "no sub-command"
            child = command.get_command(context, args[0])
            if child is None:
                return f'no command "{args[0]}"'
            context = click.Context(child, info_name=args[0], parent=context)
            command, rest = child, args[1:]
        values, args, _ = command.make_parser(context).parse_args(list(rest))
    except click.ClickException as error:
        return error.format_message()
    missing = [p.name for p in command.params if p.required and not values.get(p.name or "")]
    if args:
        return f"words too many: {' '.join(args)}"
    return f"missing: {', '.join(map(str, missing))}" if missing else ""


def check_unrun(block: Block) -> list[str]:
    """Check a marked block without running it: it parses, and the commands of ours exist."""
    if block.language == "python":
        compile(block.text, str(block), "exec")
        return []
    if block.language != "sh":
        return []
    said = subprocess.run(["bash", "-n"], input=block.text, text=True, capture_output=True, check=False)
    found = [said.stderr] if said.returncode else []
    if found:
        return found
    return [f for words in commands(block.text) if is_ours(words) and (f := check_words(words))]


def check_yaml(block: Block, folder: Path) -> None:
    """Write a named block into ``folder`` and check it, or check a part inside the template."""
    content = yaml.safe_load(block.text)
    if block.extra == "part":
        whole = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8")) | content
        path = folder / "part.yaml"
        path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    else:
        path = folder / block.extra
        path.write_text(block.text, encoding="utf-8")
    findings = FindingCollector()
    check_file(path, findings)
    findings.raise_if_any()
