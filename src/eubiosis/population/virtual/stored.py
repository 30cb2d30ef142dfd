"""A generator as a file: group summaries as JSON, read back with every finding."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.version import __version__
from eubiosis.population.virtual.correlation import positive
from eubiosis.population.virtual.generator import Generator, GroupModel
from eubiosis.population.virtual.likelihoods import Marginals
from eubiosis.population.virtual.privacy import GroupPrivacy

_DIGITS = 4
_MOST_BYTES = 64 * 1024**2


class _StoredGroup(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    people: int
    carried: list[float]
    level_mean: list[float]
    level_sd: list[float]
    correlation: list[list[float]]
    log_depth_mean: float
    log_depth_sd: float


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    label: str
    eubiosis: str
    taxa: list[str]
    groups: dict[str, _StoredGroup]
    fitted_to: str
    platform: str
    blur: float
    basis: str
    privacy: list[dict[str, float | int | str]]


def generator_text(generator: Generator, privacy: Sequence[GroupPrivacy]) -> str:
    """Return a generator as JSON, numbers rounded, with what an attack found beside it."""
    stored = _Stored(
        label="group summaries of a stool table, blurred; no value of a person",
        eubiosis=__version__,
        taxa=list(generator.taxa),
        groups={name: _stored_group(model) for name, model in generator.groups.items()},
        fitted_to=Path(generator.fitted_to).name,
        platform=generator.platform,
        blur=generator.blur,
        basis=generator.basis,
        privacy=[{**vars(one), "auc": one.auc} for one in privacy],
    )
    return stored.model_dump_json(indent=1) + "\n"


def read_generator(path: Path | str) -> Generator:
    """Read a generator that ``generator_text`` wrote; raises ``FindingsError`` with all that is wrong."""
    file = Path(path)
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise _refused(file, "", f"more than {_MOST_BYTES:,} bytes")
        stored = _Stored.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except ValidationError as error:
        places = [(".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        raise FindingsError(
            [Finding(str(file), place, said, "a generator as it was written") for place, said in places]
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(file, "", f"it cannot be read ({str(error).splitlines()[0][:120]})") from error
    groups = {name: _group(file, name, one, len(stored.taxa)) for name, one in stored.groups.items()}
    return Generator(tuple(stored.taxa), groups, stored.fitted_to, stored.platform, stored.blur, stored.basis)


def _stored_group(model: GroupModel) -> _StoredGroup:
    own = model.marginals
    return _StoredGroup(
        people=model.people,
        carried=np.round(own.carried, _DIGITS).tolist(),
        level_mean=np.round(own.level_mean, _DIGITS).tolist(),
        level_sd=np.round(own.level_sd, _DIGITS).tolist(),
        correlation=np.round(model.correlation, _DIGITS).tolist(),
        log_depth_mean=round(model.log_depth_mean, _DIGITS),
        log_depth_sd=round(model.log_depth_sd, _DIGITS),
    )


def _group(file: Path, name: str, stored: _StoredGroup, taxa: int) -> GroupModel:
    marginals = Marginals(*(np.array(x) for x in (stored.carried, stored.level_mean, stored.level_sd)))
    rows = [len(row) for row in stored.correlation]
    lengths = [len(marginals.carried), len(marginals.level_mean), len(marginals.level_sd), len(rows), *rows]
    if set(lengths) != {taxa}:
        raise _refused(file, f"groups.{name}", "lists of another length than the taxa")
    correlation = np.array(stored.correlation)
    in_bounds = (
        ((marginals.carried > 0) & (marginals.carried < 1)).all()
        and (marginals.level_sd > 0).all()
        and (np.abs(marginals.level_mean) < 100).all()
        and (np.abs(correlation) <= 1 + 1e-6).all()
        and 0 <= stored.log_depth_mean <= 25
        and 0 <= stored.log_depth_sd <= 5
    )
    if not in_bounds:
        raise _refused(file, f"groups.{name}", "numbers out of range")
    return GroupModel(
        stored.people, marginals, positive(correlation), stored.log_depth_mean, stored.log_depth_sd
    )


def _refused(file: Path, place: str, problem: str) -> FindingsError:
    allowed = "a generator as population generate --save-generator wrote it"
    return FindingsError([Finding(str(file), place, problem, allowed, "make the file again")])
