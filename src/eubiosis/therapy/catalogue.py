"""The catalogue: what can be given, one file each in ``content/therapies``. A biologist adds a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingCollector, FindingsError, unknown_word
from eubiosis.core.from_yaml import check_yaml
from eubiosis.therapy.product import Group, Product

FOLDER = PACKAGED_CONTENT / "therapies"


@cache
def products(folder: Path = FOLDER) -> Mapping[str, Product]:
    """Read every product by id, the placebo first; raises ``FindingsError`` with everything wrong in them.

    >>> list(products())[0]
    'placebo'
    """
    findings = FindingCollector()
    found = _checked(_read(sorted(folder.glob("*.yaml")), findings), findings)
    return dict(sorted(found.items(), key=lambda item: (*_rank(item[1]), item[0])))


def _read(paths: Iterable[Path], findings: FindingCollector) -> dict[str, Product]:
    found: dict[str, Product] = {}
    for path in paths:
        made = check_yaml(path, Product, findings)
        if made is None:
            continue
        if made.id != path.stem:
            problem = f'the id "{made.id}" is not the name of the file'
            findings.add(path.name, "id", problem, allowed=path.stem, next_step="rename one")
        found[made.id] = made
    return found


def _checked(found: dict[str, Product], findings: FindingCollector) -> dict[str, Product]:
    """Return products whose parts are sound; raises ``FindingsError`` with everything wrong in them."""
    if not findings.findings:
        _check_parts(found, findings)
    findings.raise_if_any()
    return found


def product(name: str) -> Product:
    """Return one product; raises ``FindingsError`` naming the nearest one.

    >>> product("mediterranean_diet").group
    'diet'
    """
    found = known_product(name)
    if found is None:
        problem, next_step = unknown_product(name), "see: eubiosis therapy list"
        raise FindingsError([Finding("therapy", "product", problem, ", ".join(products()), next_step)])
    return found


@cache
def known_product(name: str) -> Product | None:
    """Return a product, reading its file and those of its parts alone; None where there is no such file."""
    if _NAME.fullmatch(name) is None or not (FOLDER / f"{name}.yaml").is_file():
        return None
    findings = FindingCollector()
    found = _read((FOLDER / f"{name}.yaml",), findings)
    parts = [FOLDER / f"{part.product}.yaml" for one in found.values() for part in one.together]
    found |= _read([path for path in dict.fromkeys(parts) if path.is_file()], findings)
    return _checked(found, findings)[name]


_NAME = re.compile(r"[a-z0-9_]+", re.ASCII)


def compared_conditions() -> dict[str, str]:
    """Return the named condition of every product that has one.

    >>> compared_conditions()["inulin"]
    'ms_inulin_20g'
    """
    return {name: each.compared.condition for name, each in products().items() if each.compared is not None}


def unknown_product(name: str) -> str:
    """Say that no product has a name and which is the nearest, among ids, labels and strains.

    >>> unknown_product("Lactobacillus reuteri DSM 17839")
    '"Lactobacillus reuteri DSM 17839" is unknown; nearest "l_reuteri" (L. reuteri DSM 17938)'
    """
    from difflib import get_close_matches

    plain = unknown_word(name, products())
    if "nearest" in plain:
        return plain
    spoken = {
        _spoken(word): (each.id, word) for each in products().values() for word in (each.label, *each.strains)
    }
    close = get_close_matches(_spoken(name), spoken, n=1, cutoff=0.6)
    if not close:
        return plain
    found, word = spoken[close[0]]
    return f'{plain}; nearest "{found}" ({word})'


_OLD_GENERA = ("lactobacillus", "limosilactobacillus", "lacticaseibacillus", "lactiplantibacillus")


def _spoken(word: str) -> str:
    """Return a name of a strain as it is compared: lower case, the genus by its first letter."""
    parts = word.casefold().replace(".", " ").split()
    if parts and (parts[0] in _OLD_GENERA or parts[0] in ("bifidobacterium", "saccharomyces", "escherichia")):
        parts[0] = "l" if parts[0] in _OLD_GENERA else parts[0][0]
    return " ".join(parts)


def _rank(one: Product) -> tuple[bool, bool]:
    return one.id != "placebo", one.group != "placebo"


def _check_parts(found: Mapping[str, Product], findings: FindingCollector) -> None:
    """Report parts of products that are none, or lack a dose, or are made of parts themselves."""
    for one in found.values():
        for k, part in enumerate(one.together):
            place = f"together[{k}]"
            other = found.get(part.product)
            if other is None:
                problem = f"product {unknown_word(part.product, found)}"
                findings.add(f"{one.id}.yaml", f"{place}.product", problem, next_step="name a product")
            elif other.together:
                problem = f'"{part.product}" has parts itself'
                findings.add(f"{one.id}.yaml", place, problem, next_step="name its parts")
            elif (other.dose is None) != (part.dose is None):
                problem = "a dose is missing" if part.dose is None else "the part takes no dose"
                findings.add(f"{one.id}.yaml", f"{place}.dose", problem, next_step="correct the dose")


__all__ = ["FOLDER", "Group", "Product", "product", "products", "unknown_product"]
