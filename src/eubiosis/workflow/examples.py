"""Shipped trials beside the demo: an example for each therapy, and replays of what may be fitted."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingCollector, FindingsError
from eubiosis.core.output import write_whole
from eubiosis.core.tables import TableRow, read_table
from eubiosis.therapy import Product, product

REPLAYS = PACKAGED_CONTENT / "trials" / "replays"


class ReplayRow(TableRow):
    """A target with the role fit or check: its workflow and what is compared, or why there is none.

    Rows held out are not here: they are predicted elsewhere and never run beside a fit.
    """

    id: str
    role: str
    file: str = ""
    endpoint: str = ""
    week: float | None = None
    compared: str = ""
    reason: str = ""

    @property
    def path(self) -> Path | None:
        """The workflow, None where there is none."""
        return REPLAYS / self.file if self.file else None


@cache
def replays() -> tuple[ReplayRow, ...]:
    """Read the replays; raises ``FindingsError`` also for a row with neither workflow nor reason, or both.

    >>> [row.id for row in replays() if row.path is not None]
    ['C1', 'C2', 'C6', 'C8', 'H4']
    """
    findings = FindingCollector()
    rows = read_table(PACKAGED_CONTENT / "trials" / "replays.tsv", ReplayRow, findings)
    for row in rows:
        if bool(row.file) == bool(row.reason):
            findings.add("replays.tsv", row.id, "a workflow and a reason, or neither", allowed="one of them")
        if row.path is not None and not row.path.is_file():
            findings.add("replays.tsv", row.id, f"{row.file} is missing", next_step="write it")
    findings.raise_if_any()
    return tuple(rows)


def example_workflow(name: str) -> str:
    """Return a small workflow in which a product is given at its usual dose, as text.

    Raises ``FindingsError`` for an unknown product.

    >>> example_workflow("inulin").splitlines()[0]
    'title: "inulin: an example"'
    """
    one = product(name)
    return f"""title: "{one.label}: an example"
question: What would a small trial of it see?
context_of_use: An example of the software; no statement about the therapy.
decision: None.

eligibility:
  background: stable

arms:
  - name: placebo
    therapy: placebo
    control: true
  - name: active
    therapy: {name}
{_lines(one)}
design:
  participants: 24
  visits: [0, 12, 24]

primary: stool_butyrate

simulation:
  gut_worlds: 2
  host_worlds: 2
  replicates: 2
"""


def write_example(name: str, path: Path) -> Path:
    """Write the example of a product to a new file; raises ``FindingsError`` where it exists already."""
    text = example_workflow(name)
    if path.exists():
        allowed = "the name of a new file"
        raise FindingsError(
            [
                Finding(
                    str(path), "", "it exists already", allowed, "choose another name; nothing is overwritten"
                )
            ]
        )
    write_whole(path, text)
    return path


def _lines(one: Product) -> str:
    """Return the keys that an arm with the product needs."""
    lines = []
    if one.dose is not None and one.dose.usual is not None:
        lines.append(f"    dose: {one.dose.usual.text}")
    if one.transplant is not None and one.transplant.donor != "own":
        lines += ["    transplant:", "      donor_screening: state it; the report lists what others test"]
    return "".join(f"{line}\n" for line in lines)
