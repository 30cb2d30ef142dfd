"""What the gut hands to the host where no gut is run: the MS values of the host specification."""

from __future__ import annotations

from eubiosis.model.content import Content
from eubiosis.model.natural_history.people import HOST_INPUTS


def host_alone_inputs(content: Content) -> dict[str, float]:
    """Return the inputs of a person with MS for the host half alone (keys ``HOST_INPUTS``).

    Those of the specification are ``host_ms_*``; inputs that it does not have keep their healthy reference.
    """
    defaults = {row.id: row.default for row in content.interface if row.module == "host"}
    given = {name: f"host_ms_{name.removeprefix('host_')}" for name in HOST_INPUTS}
    return {n: content.value(given[n] if given[n] in content.numbers else defaults[n]) for n in HOST_INPUTS}
