"""Count annotations that say nothing: ``Any``, ``object`` and dicts of them.

    python validation/count_loose_types.py [FOLDER] [--files N] [--json]

The rule. Every annotation of the Python files below FOLDER (default ``src``) is read as a syntax tree: those
of arguments, returned values, variables, fields and type aliases, quoted ones too, and the first argument of
``cast``. Inside them each of these counts once:

- the name ``Any`` (also ``typing.Any``);
- a ``dict``, ``Mapping``, ``MutableMapping``, ``defaultdict`` or ``OrderedDict`` whose values are ``object``,
  or which stands without parameters. One of ``Any`` is counted by its ``Any`` already.

A type alias ("Record = Mapping[str, Any]") is counted where it is defined and once more at each annotation
that uses it, in the same file or where it is imported: a name makes no loose type tight.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

MAPPINGS = {"dict", "Dict", "Mapping", "MutableMapping", "defaultdict", "OrderedDict"}


def annotations(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield every annotation of a module, with quoted ones parsed."""
    for node in ast.walk(tree):
        found: list[ast.expr | None] = []
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.append(node.returns)
        elif isinstance(node, (ast.arg, ast.AnnAssign)):
            found.append(node.annotation)
        elif isinstance(node, ast.Call) and _name(node.func) == "cast" and node.args:
            found.append(node.args[0])
        yield from (_unquoted(one) for one in found if one is not None)


def aliases(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield the type aliases of a module: names with a capital that are given an expression of types."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, value = node.targets[0].id, node.value
        elif sys.version_info >= (3, 12) and isinstance(node, ast.TypeAlias):
            name, value = node.name.id, node.value
        else:
            continue
        if name.strip("_")[:1].isupper() and isinstance(value, (ast.Subscript, ast.BinOp, ast.Name)):
            yield name, value


def loose(expression: ast.AST, known: frozenset[str] = frozenset()) -> int:
    """Count what is loose in one annotation; ``known`` are names of loose aliases."""
    count = 0
    for node in ast.walk(expression):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            continue  # a word of Literal; whole quoted annotations are parsed before
        if _name(node) == "Any" or (isinstance(node, ast.Name) and node.id in known):
            count += 1
        elif isinstance(node, ast.Subscript) and _name(node.value) in MAPPINGS:
            values = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice
            count += _name(values) == "object"
    subscripted = {id(node.value) for node in ast.walk(expression) if isinstance(node, ast.Subscript)}
    count += sum(
        _name(node) in MAPPINGS and id(node) not in subscripted
        for node in ast.walk(expression)
        if isinstance(node, (ast.Name, ast.Attribute))
    )
    return count


def count_tree(folder: Path) -> Counter[str]:
    """Return the count of every Python file below a folder, by its path."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.py"))}
    by_module = {_module(path, folder): dict(aliases(tree)) for path, tree in trees.items()}
    loose_aliases = {
        (module, name) for module, made in by_module.items() for name, value in made.items() if loose(value)
    }
    counts: Counter[str] = Counter()
    for path, tree in trees.items():
        module = _module(path, folder)
        known = {name for where, name in loose_aliases if where == module}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                known |= {
                    alias.asname or alias.name
                    for alias in node.names
                    if (node.module, alias.name) in loose_aliases
                }
        found = [*annotations(tree), *(value for _, value in aliases(tree))]
        counts[path.relative_to(folder).as_posix()] = sum(loose(one, frozenset(known)) for one in found)
    return counts


def _module(path: Path, folder: Path) -> str:
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _unquoted(expression: ast.expr) -> ast.expr:
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        return ast.parse(expression.value, mode="eval").body
    return expression


def main() -> None:
    """Print the count of a folder, by package and for the worst files."""
    parser = argparse.ArgumentParser(description="Count annotations of Any and of dicts of anything.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("src"))
    parser.add_argument("--files", type=int, default=20, help="how many of the worst files are shown")
    parser.add_argument("--json", action="store_true", help="print the count of every file as JSON")
    asked = parser.parse_args()
    counts = count_tree(asked.folder)
    if asked.json:
        print(json.dumps({"total": counts.total(), "files": +counts}, indent=1))
        return
    packages: Counter[str] = Counter()
    for path, count in counts.items():
        packages["/".join(path.split("/")[:2])] += count
    for name, count in packages.most_common():
        if count:
            print(f"{count:5d}  {name}")
    print(f"{counts.total():5d}  in all\n")
    for path, count in counts.most_common(asked.files):
        if count:
            print(f"{count:5d}  {path}")


if __name__ == "__main__":
    main()
