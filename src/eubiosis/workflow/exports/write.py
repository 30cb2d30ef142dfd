"""Export a run: its first simulated trial as ADaM-shaped tables, with what every variable is."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

from eubiosis.core.output import staged, write_whole
from eubiosis.workflow.exports.adam import adam_tables
from eubiosis.workflow.exports.adam_schemas import ADAM_TABLES, SIMULATED
from eubiosis.workflow.exports.growing import GROWING, Format
from eubiosis.workflow.exports.observed import observed_people
from eubiosis.workflow.exports.transport import demand_transport
from eubiosis.workflow.runs import demand_whole, read_manifest

FORMATS: tuple[Format, ...] = get_args(Format)
_CREDIBILITY = "credibility.json"  # the assessment table of ICH M15, where the run holds one
_WORDS = """SIMULATED data of a virtual trial. Nobody in these tables exists, and no number in them is
evidence that a therapy works.

The tables are shaped like ADaM (ADSL, ADTTE, ADQS, ADLB, ADMB, ADAE, ADMRI). They keep those published rules
of ADaM that need neither dates nor source tables (SDTM); nobody has certified them. variables.csv names every
variable with its label, unit, origin and derivation. They hold the first simulated trial of the run, as a
trial would have observed it, without the latent truth. Dates are absent on purpose: days count from
randomisation. No sites and no race are simulated: SITEID and RACE say so. Confirmed disability progression is
not derived: the visits are planned too far apart for it in most designs. Harms carry the names of our table
of harms, not those of MedDRA.

A missing number is empty (CSV), null (Parquet) or "." (XPT). Read XPT with SAS, haven or pyreadstat: read_sas
of pandas takes every zero for 5.4e-79, so that CNSR == 0 finds nobody. A table of more than 200,000 rows is
several XPT files, such as adlb1.xpt and adlb2.xpt: set one under the other in this order.
"""


def export_run(run: Path, to: Path, formats: Sequence[Format] = FORMATS) -> list[Path]:
    """Write the tables of a finished run to the new folder ``to``; return the paths.

    A large trial is read, derived and written some hundred people at a time.

    Raises ``FindingsError`` where the run is damaged or none, the folder is not empty, or a library that a
    format needs is absent.
    """
    if "xpt" in formats:
        demand_transport()
    manifest = read_manifest(run)
    demand_whole(run, manifest)
    study = _study(manifest)
    names: list[str] = []
    with staged(to, new=True) as aside:
        growing = {name: [GROWING[form](aside, name.lower()) for form in formats] for name in ADAM_TABLES}
        files = [file for own in growing.values() for file in own]
        try:
            for people in observed_people(run):
                for name, table in adam_tables(study, *people).items():
                    for file in growing[name]:
                        file.add(table)
            for file in files:
                names += file.close()
        except BaseException:
            for file in files:
                file.give_up()
            raise
        write_whole(aside / "variables.csv", variables_csv())
        write_whole(aside / "README.txt", _WORDS)
        names += ["variables.csv", "README.txt"]
        if (run / _CREDIBILITY).is_file():
            write_whole(aside / _CREDIBILITY, (run / _CREDIBILITY).read_bytes())
            names.append(_CREDIBILITY)
    return [to / name for name in names]


def variables_csv() -> str:
    """Return what every variable of the tables is, as CSV: one line each."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("dataset", "variable", "label", "type", "unit", "origin", "derivation"))
    for name, schema in ADAM_TABLES.items():
        for column in schema.columns:
            kind = "text" if column.kind == "text" else "float"
            writer.writerow((name, column.name, column.meaning, kind, column.unit, SIMULATED, column.cdisc))
    return stream.getvalue()


def _study(manifest: Mapping[str, object]) -> str:
    """Return the identifier of a run's trial: SIM- and the hash of its analysis plan."""
    facts = manifest.get("facts")
    digest = facts.get("analysis_plan_sha256") if isinstance(facts, Mapping) else None
    return f"SIM-{str(digest or 'UNKNOWN')[:8].upper()}"
