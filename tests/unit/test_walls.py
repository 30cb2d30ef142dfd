"""Walls that hold: every import that the table of the house forbids is planted in a copy and seen refused."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "eubiosis"
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
# what each package may import of ours, written out a second time
TABLE = {
    "core": "",
    "engine": "core",
    "compute": "core",
    "evidence": "core",
    "model": "core engine",
    "calibration": "core engine compute evidence model",
    "population": "core engine compute model",
    "therapy": "core model",
    "trial": "core engine compute model population therapy",
    "analysis": "core",
    "report": "core analysis",
    "workflow": "core engine compute evidence model calibration population therapy trial analysis report",
    "cli": "core engine compute evidence model calibration population therapy trial analysis report workflow",
}
# library -> packages, or modules where only some of a package may, that own it
OWNERS = {
    "libsbml": "engine model",
    "antimony": "engine model",
    "llvmlite": "engine",
    "matplotlib": "report",
    "pint": "core",
    "dask": "compute",
    "distributed": "compute",
    "pyarrow": "core.frame core.frame_arrow core.csv_arrow",
    "pandas": "core.frame engine.solution",
    "xarray": "engine",
    "yaml": "workflow core.yaml_lines",
    "jinja2": "report",
    "markupsafe": "report",
    "tqdm": "compute",
    "pickle": "compute",
    "marshal": "compute",
    "shelve": "compute",
    "pyreadstat": "workflow",
    "click": "cli",
}
PACKAGES = sorted(path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists())
# the shapes an import can have, the last for packages of ours; none of them is a way round
SHAPES = (
    "import {module}",
    "from {module} import anything",
    "import {module} as other",
    "def late():\n    from {module} import anything\n    return anything",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import {module}",
    "try:\n    import {module}\nexcept ImportError:\n    pass",
    "from {parent} import {leaf}",
)


def forbidden():
    """Return every (package, module) that the table or an owner forbids."""
    ours = [
        (package, f"eubiosis.{other}")
        for package in PACKAGES
        for other in PACKAGES
        if other != package and other not in TABLE[package].split()
    ]
    theirs = [
        (package, library)
        for package in PACKAGES
        for library, owners in OWNERS.items()
        if package not in owners.split()
    ]
    return ours + theirs


def test_every_package_has_a_row():
    assert set(PACKAGES) <= set(TABLE)


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """Plant every forbidden import in a copy of the tree; return the imports that each contract refused."""
    root = tmp_path_factory.mktemp("walls")
    shutil.copytree(SOURCE, root / "eubiosis", ignore=shutil.ignore_patterns("content", "__pycache__"))
    for number, (package, module) in enumerate(forbidden()):
        deep = number % 2 == 0
        folder = root / "eubiosis" / package / ("planted" if deep else ".")
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
        name = f"plant_{module.replace('.', '_')}.py"
        parent, _, leaf = module.rpartition(".")
        shapes = SHAPES if parent else SHAPES[:-1]
        text = shapes[number % len(shapes)].format(module=module, parent=parent, leaf=leaf)
        (folder / name).write_text(text + "\n")
    return broken_imports(root)


def broken_imports(root):
    """Run lint-imports over a tree; return (importer, imported) of every refusal, by contract."""
    done = subprocess.run(
        [sys.executable, "-c", LINT, "--config", str(ROOT / "pyproject.toml"), "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "COLUMNS": "300", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    verdicts = dict(re.findall(r"^(.+?) (KEPT|BROKEN)(?: \(.*\))?$", done.stdout, flags=re.MULTILINE))
    found = {name: set() for name in verdicts}
    current = ""
    for line in done.stdout.splitlines():
        link = re.match(r"\s*-?\s*(eubiosis[\w.]*) -> ([\w.]+) \(l\.", line)
        if link:
            found[current].add(link.groups())
        elif line in verdicts:
            current = line
    assert {name for name, links in found.items() if links} == {
        name for name, verdict in verdicts.items() if verdict == "BROKEN"
    }, done.stdout + done.stderr
    return found


def plants(refused):
    return {
        (importer.split(".")[1], imported)
        for links in refused.values()
        for importer, imported in links
        if ".plant_" in importer
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_every_forbidden_import_of_a_package_is_refused(refused, package):
    asked = {pair for pair in forbidden() if pair[0] == package}
    assert asked - plants(refused) == set()


def test_every_contract_refuses_something_and_nothing_but_the_plants_is_refused(refused):
    assert [name for name, links in refused.items() if not links] == []
    others = {link for links in refused.values() for link in links if ".plant_" not in link[0]}
    assert others == set()


def test_only_the_front_doors_import_by_name():
    """``import_module("eubiosis...")`` is invisible to the contracts."""
    users = [
        path.relative_to(SOURCE).as_posix()
        for path in sorted(SOURCE.rglob("*.py"))
        if "import_module(" in path.read_text(encoding="utf-8")
        or "__import__(" in path.read_text(encoding="utf-8")
    ]
    assert users == ["__init__.py", "cli/main.py", "core/lazy.py"]


@cache
def trees():
    """Every source file with its syntax, parsed once."""
    files = sorted(SOURCE.rglob("*.py"))
    return tuple((path, ast.parse(path.read_text(encoding="utf-8"))) for path in files)


def test_names_of_modules_in_texts_obey_the_table():
    """What a package loads late (``core.lazy``) is named in a text; such a text is an import too."""
    modules = {
        ".".join(("eubiosis", *p.relative_to(SOURCE).with_suffix("").parts)) for p in SOURCE.rglob("*.py")
    }
    seen, wrong = 0, []
    for path, tree in trees():
        package = path.relative_to(SOURCE).parts[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                name = node.value.partition(":")[0]
                if name in modules and package in TABLE:
                    seen += 1
                    other = name.split(".")[1]
                    if other != package and other not in TABLE[package].split():
                        wrong.append((path.relative_to(SOURCE).as_posix(), name))
    assert seen > 30
    assert wrong == []


def test_no_folder_is_out_of_sight_of_the_contracts():
    """Python imports from a folder without __init__.py; the graph that the contracts read does not see it."""
    folders = {path.parent for path in SOURCE.rglob("*.py")}
    inside = {f for folder in folders for f in (folder, *folder.parents) if f.is_relative_to(SOURCE)}
    assert [
        f.relative_to(SOURCE).as_posix() for f in sorted(inside) if not (f / "__init__.py").exists()
    ] == []


def test_nothing_reaches_a_package_through_the_root():
    """``import eubiosis`` and then ``eubiosis.model.load`` is an import of the root only, in that graph."""
    users = [
        path.relative_to(SOURCE).as_posix()
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        and any(a.name == "eubiosis" or (a.name.startswith("eubiosis.") and not a.asname) for a in node.names)
    ]
    assert users == []


def test_the_contracts_are_one_for_each_row_and_owner():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rows = [contract for contract in contracts if contract["id"] in TABLE]
    assert {row["id"] for row in rows} == set(PACKAGES) - {"cli"}  # nothing lies downstream of cli
    named = [module for c in contracts if c not in rows for module in c["forbidden_modules"]]
    assert sorted(named) == sorted(OWNERS)


def test_the_contracts_are_kept_as_the_tree_stands(tmp_path):
    shutil.copytree(SOURCE, tmp_path / "eubiosis", ignore=shutil.ignore_patterns("content", "__pycache__"))
    found = broken_imports(tmp_path)
    assert len(found) > 20
    assert {name: links for name, links in found.items() if links} == {}


def test_no_module_imports_itself_round_a_circle():
    graph = grimp.build_graph("eubiosis", cache_dir=None)
    circles = [sorted(circle) for circle in circles_of(graph)]
    assert circles == []


def circles_of(graph):
    """Yield the strongly connected sets of two modules or more (Tarjan 1972, written without recursion)."""
    order, low, stack, held = {}, {}, [], set()
    for start in sorted(graph.modules):
        if start in order:
            continue
        work = [(start, iter(sorted(graph.find_modules_directly_imported_by(start))))]
        order[start] = low[start] = len(order)
        stack.append(start)
        held.add(start)
        while work:
            module, others = work[-1]
            following = next(others, None)
            if following is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[module])
                if low[module] == order[module]:
                    circle = []
                    while not circle or circle[-1] != module:
                        circle.append(stack.pop())
                        held.discard(circle[-1])
                    if len(circle) > 1:
                        yield circle
            elif following not in order:
                order[following] = low[following] = len(order)
                stack.append(following)
                held.add(following)
                work.append((following, iter(sorted(graph.find_modules_directly_imported_by(following)))))
            elif following in held:
                low[module] = min(low[module], order[following])
