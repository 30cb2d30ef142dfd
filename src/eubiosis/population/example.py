"""The made example: 40 virtual people of the reference population, in four formats, to try things with."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.output import write_whole
from eubiosis.population.virtual.made import MadeTable
from eubiosis.population.virtual.reference import reference_people

EXAMPLE_FOLDER = PACKAGED_CONTENT / "example"
ExampleForm = Literal["text", "biom", "metaphlan", "excel"]
FILES: dict[str, str] = {
    "text": "stool.tsv",
    "biom": "stool.biom",
    "metaphlan": "stool_metaphlan.tsv",
    "excel": "stool.xlsx",
}
PEOPLE_FILE = "people.tsv"
EXAMPLE_PEOPLE, EXAMPLE_SEED = 40, 2026


def example_people(people: int = EXAMPLE_PEOPLE, seed: int = EXAMPLE_SEED) -> MadeTable:
    """Return the example as drawn: half of the people with MS (one more, if odd), the others controls."""
    return reference_people({"MS": (people + 1) // 2, "Control": people // 2}, seed=seed)


def example_table(form: ExampleForm = "text") -> Path:
    """Return where the packaged example lies in one of its formats; its metadata is ``people.tsv`` beside it.

    It describes nobody. Raises ``FindingsError`` for a form that it does not come in.

    >>> from eubiosis.population import read_profiles
    >>> len(read_profiles(example_table("metaphlan")).sample_ids)
    40
    """
    if form not in get_args(ExampleForm):
        raise FindingsError(
            [Finding("example", "form", f"form {unknown_word(form, FILES)}", ", ".join(FILES), "name one")]
        )
    return EXAMPLE_FOLDER / FILES[form]


def write_example_table(path: Path | str, *, people: int = EXAMPLE_PEOPLE, seed: int = EXAMPLE_SEED) -> Path:
    """Write a made stool table, samples by genera, half of the people with MS and half controls.

    With the default number and seed it is the packaged example. Columns: ``sample``, ``group`` and one for
    each genus. It describes nobody. Raises ``FindingsError`` for fewer than two people or a file that exists.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_example_table(Path(folder) / "stool.tsv", people=4).read_text().count("made")
    4
    """
    target = Path(path)
    if people < 2 or target.exists():
        problem = f"{people} people" if people < 2 else "the file exists already"
        raise FindingsError(
            [Finding(str(target), "", problem, "2 people or more, a new file", "choose another")]
        )
    return write_whole(target, example_people(people, seed).table_text())
