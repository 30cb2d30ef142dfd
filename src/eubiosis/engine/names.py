"""What is said about a name that does not fit."""

from __future__ import annotations

from collections.abc import Iterable

from eubiosis.core.findings import unknown_word
from eubiosis.engine.system import System


def unfit_name(kind: str, name: str, system: System, allowed: Iterable[str]) -> KeyError:
    """Return the error that a name is no ``kind``, with what it is or what may have been meant.

    A name that is local to reactions is answered with the full names.
    """
    known = list(allowed)
    local = [full for full in known if full.endswith(f".{name}")]
    if name in system.rules:
        text = f"{name} follows a rule, so that it is no {kind}"
    elif name in system.initial or name in system.constants:
        own = "state" if name in system.initial else "parameter"
        text = f'{name} is a {own}, no {kind}; next: values={{"{name}": ...}} sets either'
        if kind == "input":
            text = f"{name} is a parameter, which nothing can be added to; next: Set it, or dose a state"
    elif local:
        text = f'{kind} "{name}" is unknown; local to a reaction: ' + ", ".join(f'"{full}"' for full in local)
    else:
        text = f"{kind} {unknown_word(name, known)}"
    return KeyError(text)
