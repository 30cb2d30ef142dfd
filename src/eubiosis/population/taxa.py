"""Names of gut taxa and the guild each belongs to, from the curated table in ``content/taxa``.

A name is looked up whole, in normalised spelling (case, rank prefixes, underscores, hyphens, brackets, the
confidence in brackets of mothur and RDP, "et rel." of HITChip). Where that fails a rule may speak, and says
which it was: the suffix of a GTDB or RDP genus is dropped (Blautia_A, Ruminococcus2), a species falls back on
its genus word, a placeholder of a family on the family. A species does not fall back where its genus word is
listed as polyphyletic, and the strains given as products have rows of their own. Names that a release gave
up stand in ``renames.tsv``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from pydantic import model_validator

from eubiosis.core.content import PACKAGED_CONTENT
from eubiosis.core.findings import FindingCollector, nearest
from eubiosis.core.provenance import Basis, Read
from eubiosis.core.tables import RowProblem, TableRow, display_name, read_table

Guild = Literal[
    "BAC", "PRV", "AKK", "RUM", "BIF", "LAC", "FAE", "ROS", "ANA", "VEI", "BLA", "MET", "ENT", "CLO"
]
GUILDS: tuple[str, ...] = get_args(Guild)
TAXA_FILE = PACKAGED_CONTENT / "taxa" / "taxa.tsv"
RENAMES_FILE = PACKAGED_CONTENT / "taxa" / "renames.tsv"
POLYPHYLETIC_FILE = PACKAGED_CONTENT / "taxa" / "polyphyletic.tsv"

Rank = Literal["domain", "phylum", "class", "order", "family", "genus", "species", "subspecies", "other"]
Role = Literal["resident", "product", "readout", "none"]
Rule = Literal["name", "rename", "suffix", "species", "family", "ncbi_id"]
RULES: tuple[Rule, ...] = get_args(Rule)

_ABOVE_GENUS = ("domain", "phylum", "class", "order", "family")
_RANK_PREFIX = re.compile(r"^(?:[a-z]{1,2}|d_\d+)__+", re.IGNORECASE)
_BELOW_GENUS = frozenset(("s", "t", "d_6", "d_7"))
_CONFIDENCE = re.compile(r"\s*\(\d+(?:\.\d+)?%?\)$")
_UNC = re.compile(r"\s*\((?:unc\.?|unclassified)\)$", re.IGNORECASE)
_RELATIVES = re.compile(r"\s+(?:et|at) rel\.?$", re.IGNORECASE)
_CANDIDATE = re.compile(r"^(?:candidatus|ca\.)[ _]+", re.IGNORECASE)
_SUFFIX = re.compile(r"(?:_[A-Z]{1,3}|(?<=[a-z])\d{1,2}|_\d{1,2})$")  # of a genus: GTDB, RDP, SILVA
_FAMILY_WORD = re.compile(r"^([a-z]+aceae)\b")
_BETWEEN_RANKS = re.compile(r"[;|]|\.(?=(?:[dkpcofgst]|sk)__)")  # the last: R's names of columns
_SEPARATORS = re.compile(r"[\s_\-/.,]+")
_NO_GENUS_BEFORE = re.compile(r"^(?:unclassified|uncultured|unidentified|unknown) ")
_NO_GENUS_AFTER = re.compile(r" (?:unclassified|uncultured|unidentified|unknown|incertae sedis)$")
_UNINFORMATIVE = frozenset(
    (
        "unclassified",
        "uncultured",
        "unidentified",
        "unknown",
        "unassigned",
        "other",
        "others",
        "na",
        "n a",
        "nan",
        "none",
        "bacterium",
        "metagenome",
        "gut metagenome",
        "human gut metagenome",
        "uncultured bacterium",
        "uncultured organism",
        "ambiguous taxa",
        "incertae sedis",
        "unknown family",
        "unknown genus",
    )
)


class Taxon(TableRow):
    """One row of the taxa table: a name, the guild it is counted in, and why.

    ``guild`` is empty where reads of this name stay outside the model. ``basis``, ``read`` and ``source``
    speak about the assignment to the guild, ``id_read`` about the NCBI id. A name of the form
    ``Family;Genus`` is used only for labels that carry the lineage.
    """

    rank: Rank
    name: str
    synonyms: str = ""
    ncbi_id: int | None = None
    id_read: Read | None = None
    guild: Guild | None = None
    role: Role
    basis: Basis
    read: Read
    source: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _origin_is_stated(self) -> Taxon:
        if self.read == "recalled" and self.basis != "assumed":
            raise RowProblem(
                f'basis "{self.basis}" with a source that nobody has read',
                allowed='basis "assumed" where read is "recalled"',
            )
        if self.basis == "assumed" and not self.note:
            raise RowProblem("assumed without a note", next_step="say in the note why this guild")
        if self.basis != "assumed" and not self.source:
            raise RowProblem(f"{self.basis} without a source", next_step="name the source")
        if (self.ncbi_id is None) != (self.id_read is None):
            raise RowProblem("one of ncbi_id and id_read is empty", next_step="give both or neither")
        return self

    @model_validator(mode="after")
    def _role_fits_the_guild(self) -> Taxon:
        if self.guild is not None and self.role != "resident":
            raise RowProblem(
                f'role "{self.role}" with guild {self.guild}',
                allowed="a guild for residents only",
                next_step="leave the guild of products, readouts and others empty",
            )
        if self.guild is None and self.role == "resident":
            raise RowProblem("a resident without a guild", next_step='set the role to "none"')
        if self.rank in _ABOVE_GENUS and self.guild is not None and self.basis != "assumed":
            raise RowProblem(
                f"a {self.rank} label in a guild is an assumption", allowed='basis "assumed" with a note'
            )
        return self

    def names(self) -> tuple[str, ...]:
        """Return the name and its synonyms."""
        return (self.name, *(word.strip() for word in self.synonyms.split("|") if word.strip()))


class PolyphyleticGenus(TableRow):
    """A genus word that stands for several genera: a species does not fall back on it."""

    name: str
    read: Read
    source: str = ""
    note: str


class Rename(TableRow):
    """A name that a release of a taxonomy gave up: ``old_name`` is looked up as ``name``."""

    rank: Rank
    old_name: str
    name: str
    release: str
    read: Read
    source: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _origin_is_stated(self) -> Rename:
        if not (self.note if self.read == "recalled" else self.source):
            missing = "a note" if self.read == "recalled" else "a source"
            raise RowProblem(f'read "{self.read}" without {missing}', next_step=f"give {missing}")
        return self


@dataclass(frozen=True)
class Match:
    """The row that a label names, and the rule that found it."""

    taxon: Taxon
    rule: Rule


@dataclass(frozen=True)
class TaxaTable:
    """The taxa rows and an index from every normalised name to its row."""

    rows: tuple[Taxon, ...]
    index: Mapping[str, Taxon]
    polyphyletic: frozenset[str] = frozenset()
    renames: Mapping[str, Taxon] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> Mapping[int, Taxon]:
        """Return the row of each NCBI id."""
        return MappingProxyType({row.ncbi_id: row for row in self.rows if row.ncbi_id is not None})

    def find(self, label: str) -> Taxon | None:
        """Return the row that a label of a stool table names, or None where the table has no such name.

        The last informative rank of a lineage decides. Where that is a species without a row of its own,
        the genus that the lineage states decides; an unknown genus never falls back on its family.

        >>> load_taxa().find("k__Bacteria;f__Lachnospiraceae;g__Roseburia").guild
        'ROS'
        """
        found = self.match(label)
        return None if found is None else found.taxon

    def match(self, label: str, ncbi_id: int = 0) -> Match | None:
        """Return the row that a label names and the rule that found it; ``ncbi_id`` helps where no rule does.

        >>> load_taxa().match("Roseburia_faecis").rule, load_taxa().match("g__Blautia_A").rule
        ('species', 'suffix')
        """
        ranks = informative_ranks(label)
        if ranks:
            found = (
                self._by_name(ranks, self.index, "name")
                or self._by_name(ranks, self.renames, "rename")
                or self._by_suffix(ranks)
                or self._by_word(ranks)
            )
            if found is not None:
                return found
        row = self.by_id.get(ncbi_id) if ncbi_id else None
        return None if row is None else Match(row, "ncbi_id")

    def _by_name(self, ranks: tuple[RankName, ...], index: Mapping[str, Taxon], rule: Rule) -> Match | None:
        species = _species_ranks(ranks)
        above = ranks[: len(ranks) - species]
        candidates: list[str] = []
        if species:
            name = ranks[len(above)].text
            candidates = [name, *([f"{above[-1].text} {name}"] if above else [])]
        if len(above) > 1:
            candidates.append(f"{above[-2].text};{above[-1].text}")
        if above:
            candidates.append(above[-1].text)
        for candidate in candidates:
            row = _look_up(candidate, index)
            if row is not None:
                return Match(row, rule)
        return None

    def _by_suffix(self, ranks: tuple[RankName, ...]) -> Match | None:
        """Drop the suffix of a genus: Blautia_A, Ruminococcus2, Prevotella_3; not of a polyphyletic genus."""
        above = ranks[: len(ranks) - _species_ranks(ranks)]
        if not above:
            return None
        plain = _SUFFIX.sub("", above[-1].raw)
        key = normalise(plain)
        if plain == above[-1].raw or key in self.polyphyletic:
            return None
        row = _look_up(key, self.index)
        return None if row is None or row.rank != "genus" else Match(row, "suffix")

    def _by_word(self, ranks: tuple[RankName, ...]) -> Match | None:
        """Take the genus word of a species without a row, or the family word of a placeholder."""
        last = ranks[-1]
        family = _FAMILY_WORD.match(last.text)
        if family and family.group(1) != last.text:
            row = _look_up(family.group(1), self.index)
            return None if row is None else Match(row, "family")
        word, _, epithet = last.text.partition(" ")
        bracketed = last.text.startswith("[")
        if not epithet or bracketed or word in self.polyphyletic or last.letter not in ("", *_BELOW_GENUS):
            return None
        row = self.index.get(word)
        if row is None:
            plain = normalise(_SUFFIX.sub("", last.raw.replace(" ", "_").split("_")[0]))
            row = self.index.get(plain) if plain not in self.polyphyletic else None
        return None if row is None or row.rank != "genus" else Match(row, "species")

    def guild_of(self, label: str) -> str | None:
        """Return the guild of a label, or None where it has none or is unknown."""
        row = self.find(label)
        return None if row is None else row.guild

    def nearest_name(self, label: str) -> str:
        """Return the known name closest to a label, or an empty string."""
        ranks = informative_ranks(label)
        if not ranks:
            return ""
        close = nearest(ranks[-1].text, self.index)
        return self.index[close].name if close else ""


def _look_up(text: str, index: Mapping[str, Taxon]) -> Taxon | None:
    plain = text.replace("[", "").replace("]", "")
    named = _NO_GENUS_AFTER.sub("", _NO_GENUS_BEFORE.sub("", plain))
    return next((index[key] for key in (text, plain, named) if key in index), None)


@dataclass(frozen=True)
class RankName:
    """One rank of a label: its prefix letter (empty when none is given) and its normalised name."""

    letter: str
    text: str
    raw: str = ""


def label_ranks(label: str) -> tuple[RankName, ...]:
    """Split a label into ranks, highest first, each normalised; ranks without a name stay, empty."""
    return tuple(_rank(part) for part in _BETWEEN_RANKS.split(label))


def informative_ranks(label: str) -> tuple[RankName, ...]:
    """Return the ranks of a label that name something, highest first."""
    return tuple(rank for rank in label_ranks(label) if rank.text and rank.text not in _UNINFORMATIVE)


def _species_ranks(ranks: tuple[RankName, ...]) -> int:
    """Count the ranks below genus at the end of a label: by prefix, or as "Genus" before "Genus species"."""
    below = sum(rank.letter in _BELOW_GENUS for rank in ranks)
    if below or len(ranks) < 2:
        return below
    genus, last = ranks[-2], ranks[-1]
    binomial = last.text.startswith(f"{genus.text} ") and not genus.text.endswith(("aceae", "ales"))
    return 1 if binomial and last.letter == "" else 0


def normalise(name: str) -> str:
    """Return a name in lower case, without a rank prefix, with single spaces; brackets stay.

    >>> normalise("g__Escherichia-Shigella")
    'escherichia shigella'
    """
    return _rank(name).text


def read_taxa(path: Path, findings: FindingCollector) -> TaxaTable:
    """Read and check a taxa table; a name that two rows claim is a finding."""
    rows = read_table(path, Taxon, findings)
    return index_taxa(rows, display_name(path), findings)


def index_taxa(rows: Iterable[Taxon], file: str, findings: FindingCollector) -> TaxaTable:
    """Index rows by every normalised name; a name that two rows claim is a finding."""
    kept = tuple(rows)
    index: dict[str, Taxon] = {}
    for row in kept:
        for key in {_key(name) for name in row.names()}:
            if key in index:
                findings.add(
                    file,
                    row.name,
                    f'the name "{key}" also belongs to {index[key].name}',
                    next_step="keep it in one row",
                )
            else:
                index[key] = row
    return TaxaTable(rows=kept, index=MappingProxyType(index))


@cache
def load_taxa() -> TaxaTable:
    """Load the packaged taxa table; raises ``FindingsError`` when it is damaged."""
    findings = FindingCollector()
    table = read_taxa(TAXA_FILE, findings)
    genera = read_table(POLYPHYLETIC_FILE, PolyphyleticGenus, findings)
    renames = _renamed(read_table(RENAMES_FILE, Rename, findings), table, findings)
    findings.raise_if_any()
    return replace(
        table,
        polyphyletic=frozenset(normalise(row.name) for row in genera),
        renames=MappingProxyType(renames),
    )


def _renamed(rows: Iterable[Rename], table: TaxaTable, findings: FindingCollector) -> dict[str, Taxon]:
    """Index old names by the row of the new one; an old name with a row, a new one without, are findings."""
    index: dict[str, Taxon] = {}
    for row in rows:
        key = normalise(row.old_name)
        new = table.index.get(normalise(row.name))
        if new is None or key in table.index or key in index:
            problem = "is in no row" if new is None else "is not the only name of a row"
            findings.add(
                display_name(RENAMES_FILE), row.old_name, f'"{row.name if new is None else key}" {problem}'
            )
        else:
            index[key] = new
    return index


def _key(name: str) -> str:
    return ";".join(normalise(part) for part in name.split(";"))


@lru_cache(maxsize=1 << 16)  # lineages repeat their higher ranks
def _rank(part: str) -> RankName:
    text = part.strip().strip("\"'").strip()
    text = _RELATIVES.sub("", _UNC.sub("", _CONFIDENCE.sub("", text)))
    prefix = _RANK_PREFIX.match(text)
    letter = prefix.group(0).rstrip("_").lower() if prefix else ""
    if prefix:
        text = text[prefix.end() :]
    text = _CANDIDATE.sub("", text)
    return RankName(letter=letter, text=_SEPARATORS.sub(" ", text).strip().lower(), raw=text.strip())
