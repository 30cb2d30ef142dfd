"""Eubiosis: virtual trials of microbiome-targeted therapy in multiple sclerosis.

Everything this package prints is simulated. Nothing in it is evidence of efficacy or medical advice.
Sub-packages are loaded on first use, so that ``import eubiosis`` stays fast.
"""

from __future__ import annotations

from importlib import import_module

from eubiosis.core.version import __version__

__all__ = [
    "Brief",
    "Question",
    "__version__",
    "analysis",
    "brief",
    "core",
    "engine",
    "evidence",
    "model",
    "population",
    "report",
    "therapy",
    "trial",
    "workflow",
]
# name -> the module that holds it
_NAMES = dict.fromkeys(("Brief", "Question", "brief"), "eubiosis.workflow.brief")
_PUBLIC_PACKAGES = tuple(name for name in __all__ if name not in ("__version__", *_NAMES))


def __getattr__(name: str) -> object:
    if name in _NAMES:
        found: object = getattr(import_module(_NAMES[name]), name)
        return found
    if name in _PUBLIC_PACKAGES:
        return import_module(f"eubiosis.{name}")
    message = f"module 'eubiosis' has no attribute {name!r}; public packages: {', '.join(_PUBLIC_PACKAGES)}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)
