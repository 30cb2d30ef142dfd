"""Say which worlds a run stands on: shipped ones, or draws of the prior, and then why."""

from __future__ import annotations

from typing import Literal

from eubiosis.model.model import Model
from eubiosis.model.shipped import ShippedWorlds, shipped
from eubiosis.trial.simulation import Simulation

HALVES: tuple[Literal["gut", "history"], ...] = ("gut", "history")
FACT, HISTORY_FACT = "gut worlds come from", "natural history comes from"


def worlds_facts(model: Model, simulation: Simulation, seed: int) -> dict[str, str]:
    """Return where gut worlds and natural history of a run come from, in words for report and manifest."""
    if simulation.worlds_from == "prior":
        return {FACT: "draws of the prior that a healthy gut does not contradict", HISTORY_FACT: "the tables"}
    found = shipped(model)
    gut = "draws of the prior that a healthy gut does not contradict: no shipped worlds fit this model"
    if found.gut is not None:
        gut = _words(found.gut, simulation.gut_worlds - 1, seed, "gut")
    history = "the tables: no worlds of it are shipped that fit this model"
    if found.history is not None:
        pairs = max((simulation.worlds - 1) // 2, 0)
        history = _words(found.history, pairs, seed, "history")
    made = "none"
    if found.made:
        gut_made, history_made = (
            f"seed {found.how(half, 'seed')}, {found.how(half, 'effort')} effort" for half in HALVES
        )
        made = gut_made if gut_made == history_made else f"gut {gut_made}; natural history {history_made}"
    return {FACT: gut, HISTORY_FACT: history, "shipped worlds were made with": made}


def worlds_warnings(model: Model, simulation: Simulation) -> tuple[str, ...]:
    """Return what must be said aloud: worlds that do not fit the model, or a gut without any."""
    if simulation.worlds_from == "prior":
        return ()
    found = shipped(model)
    said = (*found.reasons, *(text for text in found.absent if " gut " in text))
    return tuple(
        f"Shipped worlds are not used: {reason}. Draws of the prior, or the tables, stand in for them."
        for reason in said
    )


def history_numbers(model: Model, simulation: Simulation) -> tuple[str, ...]:
    """Name the numbers of the natural history that differ between the host worlds of a run."""
    found = None if simulation.worlds_from == "prior" else shipped(model).history
    return () if found is None else tuple(name for name in found.names if name in model.content.numbers)


def _words(worlds: ShippedWorlds, count: int, seed: int, half: str) -> str:
    if not count:
        return "the tables (one world only)"
    return (
        f"{len(worlds.weights)} shipped worlds (effective sample size {worlds.effective:.0f}); "
        f"{worlds.distinct(count, seed, half)} different ones in {count} draws, and the tables' values first"
    )
