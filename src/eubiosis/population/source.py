"""Who the subjects of a trial are made from: the embedded reference population or a stool table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from eubiosis.core.findings import unknown_word
from eubiosis.core.kinds import Text
from eubiosis.core.spec import Problem, Spec, rule
from eubiosis.population.reference import load_reference
from eubiosis.population.stool.checks import Orientation
from eubiosis.population.stool.options import Blanks, Format
from eubiosis.population.stool.scale import Scale

Source = Literal["reference", "stool"]
Rank = Literal["genus", "species", "family"]
STOOL_KEYS = (
    "table", "metadata", "id_column", "group_column", "control", "orientation", "scale", "taxonomy", "format",
    "rank", "blanks", "ignore",
)  # fmt: skip
METADATA_KEYS = ("id_column", "group_column")


class PopulationSource(Spec):
    """Who the subjects are made from.

    With ``source="stool"`` paths are relative to ``folder``. Without ``metadata`` a group column of the table
    gives the groups, and without one every sample is a participant; without ``control`` the contrast is to
    the median of the table. The other keys are those of ``read_stool_table``.

    >>> PopulationSource().group
    'MS'
    """

    source: Source = "reference"
    group: Text = "MS"
    table: Text | None = None
    metadata: Text | None = None
    id_column: Text | None = None
    group_column: Text | None = None
    control: Text | None = None
    orientation: Orientation | None = None
    scale: Scale | None = None
    taxonomy: Text | None = None
    format: Format | None = None
    rank: Rank | None = None
    blanks: Blanks | None = None
    ignore: tuple[Text, ...] | None = None
    folder: str = "."

    @staticmethod
    @rule("source", "group")
    def _group_is_known(source: Source, group: str) -> Iterator[Problem]:
        groups = load_reference().groups()
        if source == "reference" and group not in groups:
            yield Problem(
                ("group",),
                f"the group {unknown_word(group, groups)}",
                ", ".join(groups),
                "name a group of the reference population",
            )

    @staticmethod
    @rule("source", *STOOL_KEYS)
    def _reference_has_no_table(source: Source, *values: object) -> Iterator[Problem]:
        for key, value in zip(STOOL_KEYS, values, strict=True):
            if source == "reference" and value is not None:
                yield Problem(
                    (key,),
                    "the reference population has no table",
                    "source: stool with this key",
                    "remove the key or change the source",
                )

    @staticmethod
    @rule("source", "table")
    def _stool_has_a_table(source: Source, table: str | None) -> Iterator[Problem]:
        if source == "stool" and table is None:
            yield Problem(
                ("table",), "source: stool needs a table", "a path, relative or absolute", "add {path}: FILE"
            )

    @staticmethod
    @rule("source", "metadata", "id_column", "group_column")
    def _metadata_and_its_columns(
        source: Source,
        metadata: str | None,
        id_column: str | None,
        group_column: str | None,
    ) -> Iterator[Problem]:
        if source != "stool":
            return
        columns = {"id_column": id_column, "group_column": group_column}
        for key, value in columns.items():
            if metadata is not None and value is None:
                yield Problem(
                    (key,),
                    "metadata needs the names of its columns",
                    "the column of sample ids and the column of groups",
                    "add {path}",
                )
        if metadata is None and id_column is not None:
            yield Problem(("id_column",), "it needs a metadata table", "", "add metadata: FILE")

    @staticmethod
    @rule("source", "group", "control")
    def _two_groups(source: Source, group: str, control: str | None) -> Iterator[Problem]:
        if source == "stool" and control is not None and control == group:
            yield Problem(
                ("control",),
                f'the group "{control}" cannot be participants and controls at once',
                "two groups of the metadata",
                "name the participants in group",
            )

    @staticmethod
    @rule("source", "folder", "table", "metadata", "taxonomy")
    def _files_are_there(
        source: Source, folder: str, table: str | None, metadata: str | None, taxonomy: str | None
    ) -> Iterator[Problem]:
        for key, name in (("table", table), ("metadata", metadata), ("taxonomy", taxonomy)):
            if source == "stool" and name is not None and not (Path(folder) / name).is_file():
                yield Problem(
                    (key,),
                    f'the file "{name}" is missing',
                    "a path, relative to the folder of the workflow file or absolute",
                    "correct the path",
                )

    @property
    def table_path(self) -> Path | None:
        """Where the stool table lies, or None."""
        return None if self.table is None else Path(self.folder) / self.table

    @property
    def taxonomy_path(self) -> Path | None:
        """Where the taxonomy of the features lies, or None."""
        return None if self.taxonomy is None else Path(self.folder) / self.taxonomy

    @property
    def metadata_path(self) -> Path | None:
        """Where the metadata table lies, or None."""
        return None if self.metadata is None else Path(self.folder) / self.metadata
