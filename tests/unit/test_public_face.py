"""The public face: every name is there, is documented, and shows an example (run by their own test)."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import pytest

import eubiosis
from eubiosis.core.spec import Spec

NOT_ROOMS = ("__version__", "core", "brief", "Brief", "Question")
PACKAGES = [name for name in eubiosis.__all__ if name not in NOT_ROOMS]
NAMES = [
    (package, name) for package in PACKAGES for name in importlib.import_module(f"eubiosis.{package}").__all__
]


def of(package: str, name: str) -> object:
    return getattr(importlib.import_module(f"eubiosis.{package}"), name)


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_a_public_name_is_documented(package: str, name: str) -> None:
    value = of(package, name)
    if not (inspect.isfunction(value) or inspect.isclass(value)):
        return  # a constant or a type alias
    text = inspect.getdoc(value)
    assert text
    assert text[0].isupper()


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_a_public_function_and_a_public_specification_show_an_example(package: str, name: str) -> None:
    value = of(package, name)
    made_by_hand = inspect.isclass(value) and issubclass(value, Spec)
    if inspect.isfunction(value) or made_by_hand:
        assert ">>> " in (value.__doc__ or ""), f"{package}.{name} has no example"


def test_what_is_public_is_reached_by_attribute_and_listed() -> None:
    assert set(PACKAGES) <= set(dir(eubiosis))
    for package in PACKAGES:
        assert getattr(eubiosis, package).__name__ == f"eubiosis.{package}"


def test_importing_the_package_loads_no_room() -> None:
    code = "import sys, eubiosis; print([m for m in sys.modules if m.startswith('eubiosis.')])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "['eubiosis.core', 'eubiosis.core.version']"
