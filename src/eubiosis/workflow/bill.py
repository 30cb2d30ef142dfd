"""What an installation is made of: a bill of materials after CycloneDX 1.6, from the installed metadata."""

from __future__ import annotations

import platform
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.json_data import Json
from eubiosis.core.version import __version__

NAME = "eubiosis"
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SPDX = re.compile(r"[A-Za-z0-9.+-]+(?: (?:AND|OR|WITH) [A-Za-z0-9.+-]+)*")


def bill_of_materials() -> Mapping[str, Json]:
    """Return the bill: this package, every installed library that it needs or may use, and who needs whom.

    Libraries of an extra that is not installed are not in it. Names, versions and licences are those that the
    libraries state of themselves; digests of their files are not in it (``requirements.lock`` has those of
    the wheels). The same installation gives the same bill. Raises ``FindingsError`` where the package itself
    is not installed.
    """
    try:
        metadata.distribution(NAME)
    except metadata.PackageNotFoundError as error:
        step = "install it: python -m pip install . (in the folder of pyproject.toml)"
        raise FindingsError(
            [Finding(NAME, "", "it is not installed, so its needs are not known", "", step)]
        ) from error
    needs = _closure(NAME)
    libraries = sorted(name for name in needs if name != NAME)
    components: list[Json] = [_component(name) for name in libraries]
    whole = "\n".join(f"{name} {metadata.version(name)}" for name in libraries)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'{NAME} {__version__} {whole}')}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": NAME,
                "name": NAME,
                "version": __version__,
                "licenses": [{"license": {"id": "BSD-3-Clause"}}],
            },
            "properties": [
                {
                    "name": "python",
                    "value": f"{platform.python_implementation()} {platform.python_version()}",
                },
                {"name": "system", "value": f"{platform.system()} {platform.machine()}"},
            ],
        },
        "components": components,
        "dependencies": [{"ref": name, "dependsOn": sorted(needs[name])} for name in (NAME, *libraries)],
    }


def _closure(first: str) -> dict[str, set[str]]:
    """Return who needs whom among what is installed, from ``first`` on; every extra of ``first`` counts."""
    found: dict[str, set[str]] = {}
    waiting = [first]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = {each for each in _needed(name, extras=name == first) if _installed(each)} - {name}
        waiting += found[name]
    return found


def _needed(name: str, *, extras: bool) -> Iterator[str]:
    """Yield the names that a distribution requires; those of its extras only where they are asked for.

    Other markers (of system and Python) are not judged: what they exclude is not installed.
    """
    for line in metadata.requires(name) or ():
        word = _WORD.match(line)
        if word and (extras or "extra ==" not in line):
            yield _normal(word[0])


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _component(name: str) -> Json:
    version = metadata.version(name)
    about: dict[str, Json] = {
        "type": "library",
        "bom-ref": name,
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{name}@{version}",
    }
    licences: list[Json] = list(_licences(name))
    return {**about, "licenses": licences} if licences else about


def _licences(name: str) -> Iterable[Json]:
    """Return the licence that a library states: an SPDX expression, or else the names of its classifiers."""
    said = metadata.metadata(name)
    expression = _field(said, "License-Expression")
    if expression and _SPDX.fullmatch(expression):
        return [{"expression": expression}]
    classifiers = [each for each in said.get_all("Classifier") or () if each.startswith("License ::")]
    names = [each.rpartition(" :: ")[2] for each in classifiers]
    short = _field(said, "License")
    if not names and short and "\n" not in short and len(short) < 80:
        names = [short]
    return [{"license": {"name": each}} for each in names]


def _field(said: metadata.PackageMetadata, name: str) -> str:
    """Return a field of a distribution's metadata; empty where it says nothing."""
    return str(said[name]).strip() if name in said else ""


def _normal(name: str) -> str:
    """Return the one form of a name: lower case, with a hyphen for every run of marks.

    >>> _normal("Ruamel.Yaml_Clib")
    'ruamel-yaml-clib'
    """
    return re.sub(r"[-_.]+", "-", name).lower()
