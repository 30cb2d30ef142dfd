"""Write a profile into a folder: the page, the JSON and the tables behind it, all or nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path

from eubiosis.core.output import staged, write_whole
from eubiosis.core.record import as_json
from eubiosis.core.stool_profile import SampleQuantiles, ShareInterval, StoolProfile


def write_profile(profile: StoolProfile, folder: Path | str) -> list[Path]:
    """Write ``profile.html``, ``profile.json`` and tables into a new or empty folder; return the files.

    Raises ``FindingsError`` where the folder cannot be made or is not empty; then nothing is written.

    >>> from tempfile import TemporaryDirectory
    >>> from eubiosis.population import read_profiles, write_example_table
    >>> from eubiosis.workflow import ProfileAsk, profile_table
    >>> with TemporaryDirectory() as folder:
    ...     stool = read_profiles(write_example_table(f"{folder}/stool.tsv", people=6))
    ...     made = profile_table(stool, ProfileAsk(worlds=0))
    ...     [path.name for path in write_profile(made.profile, f"{folder}/page")][:2]
    ['profile.html', 'profile.json']
    """
    from eubiosis.report.profile_page.page import profile_page

    contents = {
        "profile.html": profile_page(profile).encode(),
        "profile.json": (as_json(profile) + "\n").encode(),
        **{f"{name}.tsv": text.encode() for name, text in _tables(profile).items()},
    }
    folder = Path(folder)
    with staged(folder, new=True) as aside:
        for name, content in contents.items():
            write_whole(aside / name, content)
    return [folder / name for name in contents]


def _tables(profile: StoolProfile) -> dict[str, str]:
    shown = [group for group in profile.groups if group.shown]
    tables = {
        name: _tsv([(("group", group.name), line) for group in shown for line in getattr(group, name)])
        for name in ("guilds", "taxa", "measures", "positions", "predictions")
    }
    tables["contrasts"] = _tsv(
        [
            (("family", one.title, "scale", one.scale, "group", one.group, "control", one.control), line)
            for one in profile.contrasts
            for line in one.lines
        ]
    )
    tables["unmapped"] = _tsv([((), line) for line in profile.unmapped])
    tables["storms"] = _tsv([((), line) for line in profile.storms])
    return {name: text for name, text in tables.items() if text}


def _tsv(rows: Sequence[tuple[tuple[str, ...], object]]) -> str:
    """Return rows of dataclasses as text; intervals become columns, None an empty cell."""
    if not rows:
        return ""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    flat = [{**dict(zip(lead[::2], lead[1::2], strict=True)), **_flat(line)} for lead, line in rows]
    columns = list(dict.fromkeys(name for row in flat for name in row))
    writer.writerow(columns)
    for row in flat:
        cells = (row.get(name) for name in columns)
        writer.writerow(["" if value is None else value for value in cells])
    return stream.getvalue()


def _flat(line: object) -> dict[str, object]:
    assert is_dataclass(line)
    found: dict[str, object] = {}
    for one in fields(line):
        value = getattr(line, one.name)
        if isinstance(value, ShareInterval | SampleQuantiles):
            found |= {f"{one.name}_{part.name}": getattr(value, part.name) for part in fields(value)}
        else:
            found[one.name] = value
    return found
