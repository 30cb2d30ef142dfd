"""Public names that are loaded when they are first used, so that importing a package stays quick."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """Return the ``__getattr__`` of a package whose public names live in other modules.

    ``homes`` maps a name to the module that holds it, to "module:name there", or to "module:*" for the
    module itself. A name that is loaded stays in the package. The ``__getattr__`` raises ``AttributeError``
    naming the public names.
    """

    def __getattr__(name: str) -> object:
        if name not in homes:
            message = (
                f"module {package!r} has no attribute {name!r}; public names: {', '.join(sorted(homes))}"
            )
            raise AttributeError(message)
        home, _, there = homes[name].partition(":")
        module = import_module(home)
        value: object = module if there == "*" else getattr(module, there or name)
        setattr(sys.modules[package], name, value)
        return value

    return __getattr__
