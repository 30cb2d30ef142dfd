"""libRoadRunner compiled quickly: what a test runs once need not run fast."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import roadrunner

_CONFIG = roadrunner.Config
# its younger compiler without optimisation takes a fifth of the time of the default one
_QUICK = {_CONFIG.LLVM_BACKEND: _CONFIG.LLJIT, _CONFIG.LLJIT_OPTIMIZATION_LEVEL: _CONFIG.NONE}
_FIXED = {_CONFIG.LOADSBMLOPTIONS_MUTABLE_INITIAL_CONDITIONS: False}


@contextmanager
def _settings(wanted: dict[int, object]) -> Iterator[None]:
    before = {key: _CONFIG.getValue(key) for key in wanted}
    for key, value in wanted.items():
        _CONFIG.setValue(key, value)
    try:
        yield
    finally:
        for key, value in before.items():
            _CONFIG.setValue(key, value)


def load_quickly(text: str, *, changes: bool = False) -> Any:
    """Return a RoadRunner of an SBML text; the settings of the library stay as they were.

    With ``changes`` its numbers can be set before a run, which takes as much time again.
    """
    with _settings(_QUICK if changes else _QUICK | _FIXED):
        return roadrunner.RoadRunner(text)
