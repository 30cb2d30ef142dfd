"""Make virtual people, and hold them against real ones: files in, a folder out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.output import staged, write_whole
from eubiosis.core.population_description import PopulationDescription
from eubiosis.core.record import as_json, as_record
from eubiosis.population.example import EXAMPLE_FOLDER
from eubiosis.population.stool.table import StoolTable
from eubiosis.population.virtual.describe import describe
from eubiosis.population.virtual.fit import fit_generator
from eubiosis.population.virtual.privacy import GroupPrivacy, check_export
from eubiosis.population.virtual.reference import reference_people
from eubiosis.population.virtual.stored import generator_text, read_generator

EXPORT_TAXA, EXPORT_BLUR = 20, 4.0


def from_reference(folder: Path, *, people: int, groups: Sequence[str] = (), seed: int = 2026) -> list[Path]:
    """Write virtual people of the packaged reference population into a new folder; return its files."""
    with staged(folder, new=True) as aside:
        made = reference_people(dict.fromkeys(groups, people) if groups else people, seed=seed)
        return _written(aside, folder, made.files(seed=seed))


def from_table(
    folder: Path,
    stool: StoolTable,
    *,
    people: int,
    basis: str,
    groups: Sequence[str] = (),
    seed: int = 2026,
    most_taxa: int = EXPORT_TAXA,
    blur: float = EXPORT_BLUR,
    save_generator: bool = False,
) -> tuple[list[Path], tuple[GroupPrivacy, ...]]:
    """Fit a generator to a table, attack it, and write its people into a new folder where that is allowed.

    Raises ``FindingsError`` with every reason against it; then nothing is written.
    """
    with staged(folder, new=True) as aside:
        generator = fit_generator(stool, groups=groups, most_taxa=most_taxa, blur=blur, basis=basis)
        privacy = check_export(generator, stool)
        made = generator.draw(people, seed=seed)
        told = as_record([{**vars(one), "auc": one.auc} for one in privacy])
        files = made.files(seed=seed, consent_basis=basis, blur=blur, privacy=told, platform=stool.platform)
        if save_generator:
            files["generator.json"] = generator_text(generator, privacy).encode()
        return _written(aside, folder, files), privacy


def from_generator(
    folder: Path, file: Path, *, people: int, groups: Sequence[str] = (), seed: int = 2026
) -> list[Path]:
    """Write people of a generator that was saved before into a new folder; return its files."""
    with staged(folder, new=True) as aside:
        generator = read_generator(file)
        made = generator.draw(people, seed=seed, groups=groups)
        more = {"seed": seed, "consent_basis": generator.basis, "blur": generator.blur}
        return _written(aside, folder, made.files(**more))


def copy_example(folder: Path) -> list[Path]:
    """Copy the packaged example, in its four formats with its metadata, into a new folder."""
    with staged(folder, new=True) as aside:
        files = {path.name: path.read_bytes() for path in sorted(EXAMPLE_FOLDER.iterdir())}
        return _written(aside, folder, files)


def described(virtual: StoolTable, real: StoolTable) -> PopulationDescription:
    """Compare virtual with real people; raises ``FindingsError`` where the two are one file."""
    if virtual.file == real.file:
        problem = "the virtual and the real table are one file"
        raise FindingsError([Finding(virtual.file, "", problem, "two tables", "name the real table second")])
    return describe(virtual, real)


def write_description(folder: Path, found: PopulationDescription) -> list[Path]:
    """Write ``population.html`` and ``population.json`` into a new folder; return them."""
    from eubiosis.report.population_page import population_page

    page, record = population_page(found), as_json(found) + "\n"
    with staged(folder, new=True) as aside:
        return _written(aside, folder, {"population.html": page.encode(), "population.json": record.encode()})


def _written(aside: Path, folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files aside and return where they will lie."""
    for name, content in files.items():
        write_whole(aside / name, content)
    return [folder / name for name in files]
