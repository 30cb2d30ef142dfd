"""Export a run: its first simulated trial as ADaM-shaped tables, with what every variable is."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.frame import Table
from eubiosis.core.output import staged, write_whole
from eubiosis.workflow.exports.adam import adam_tables
from eubiosis.workflow.exports.adam_schemas import ADAM_TABLES, SIMULATED
from eubiosis.workflow.exports.transport import demand_transport, write_transport
from eubiosis.workflow.runs import demand_whole, read_manifest

Format = Literal["parquet", "csv", "xpt"]
FORMATS: tuple[Format, ...] = get_args(Format)
_TABLES = ("observed_subjects", "observed_visits", "observed_relapses", "observed_adverse_events")
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
of pandas takes every zero for 5.4e-79, so that CNSR == 0 finds nobody.
"""


def export_run(run: Path, to: Path, formats: Sequence[Format] = FORMATS) -> list[Path]:
    """Write the tables of a finished run to the new folder ``to``; return the paths.

    Raises ``FindingsError`` where the run is damaged or none, the folder is not empty, or a library that a
    format needs is absent.
    """
    if "xpt" in formats:
        demand_transport()
    manifest = read_manifest(run)
    demand_whole(run, manifest)
    tables = adam_tables(_study(manifest), *(_read(run, name) for name in _TABLES))
    names: list[str] = []
    with staged(to, new=True) as aside:
        for table in tables.values():
            for form in formats:
                name = f"{table.name.lower()}.{form}"
                _write(table, aside / name, form)
                names.append(name)
        write_whole(aside / "variables.csv", variables_csv(tables))
        write_whole(aside / "README.txt", _WORDS)
        names += ["variables.csv", "README.txt"]
        if (run / _CREDIBILITY).is_file():
            write_whole(aside / _CREDIBILITY, (run / _CREDIBILITY).read_bytes())
            names.append(_CREDIBILITY)
    return [to / name for name in names]


def variables_csv(tables: Mapping[str, Table]) -> str:
    """Return what every variable of the tables is, as CSV: one line each."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("dataset", "variable", "label", "type", "unit", "origin", "derivation"))
    for name in tables:
        for column in ADAM_TABLES[name].columns:
            kind = "text" if column.kind == "text" else "float"
            writer.writerow((name, column.name, column.meaning, kind, column.unit, SIMULATED, column.cdisc))
    return stream.getvalue()


def _study(manifest: Mapping[str, object]) -> str:
    """Return the identifier of a run's trial: SIM- and the hash of its analysis plan."""
    facts = manifest.get("facts")
    digest = facts.get("analysis_plan_sha256") if isinstance(facts, Mapping) else None
    return f"SIM-{str(digest or 'UNKNOWN')[:8].upper()}"


def _read(run: Path, name: str) -> Table:
    path = run / "tables" / f"{name}.parquet"
    if not path.is_file():
        problem = Finding(str(run), f"tables/{name}.parquet", "is missing", "a run of a trial")
        raise FindingsError([problem])
    return Table.read_parquet(path)


def _write(table: Table, path: Path, form: Format) -> None:
    if form == "parquet":
        write_whole(path, table.to_parquet({"origin": SIMULATED}))
    elif form == "csv":
        write_whole(path, table_csv(table))
    else:
        write_transport(table, path)


def table_csv(table: Table) -> str:
    """Return a table as CSV: a header, then numbers with all their digits; a missing number is empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.columns)
    columns = table.to_pydict()
    for row in zip(*columns.values(), strict=True):
        writer.writerow("" if cell is None else cell for cell in row)
    return stream.getvalue()
