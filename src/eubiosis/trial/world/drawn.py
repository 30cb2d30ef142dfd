"""The numbers that a gut world and its host worlds were drawn with, by name: what their effects come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eubiosis.model.worlds import gut_numbers
from eubiosis.trial.world.enrolment import GutSetting, HostSetting

TAXON, DIRECT = "taxon_", "direct_"


@dataclass(frozen=True)
class DrawnNumbers:
    """What was drawn: the ``gut`` numbers of a gut world, and of each of its ``hosts`` the other ones.

    A host's are couplings, its own numbers, its natural history, the direct terms of guilds ("taxon_" and the
    guild) and of products ("direct_", the product and what it acts on). A number that a host does not have
    keeps its table's value there.
    """

    gut: Mapping[str, float]
    hosts: tuple[Mapping[str, float], ...]


def drawn_numbers(setting: GutSetting, hosts: Sequence[HostSetting]) -> DrawnNumbers:
    """Return the numbers of a gut world; derived ones, and those of the gut in every host, are left out."""
    model, values = setting.model, setting.world.values
    numbers = model.content.numbers
    gut = {name: float(values.get(name, numbers[name].value)) for name in gut_numbers(model)}
    return DrawnNumbers(gut, tuple(_of_host(host, gut) for host in hosts))


def _of_host(host: HostSetting, gut: Mapping[str, float]) -> dict[str, float]:
    own = {name: float(value) for name, value in host.values.items() if name not in gut}
    own |= {f"{TAXON}{guild}": float(size) for guild, size in host.beyond.taxa.items()}
    for product, terms in host.terms.items():
        own |= {f"{DIRECT}{product} {target}": float(size) for target, size in terms.items()}
    return own
