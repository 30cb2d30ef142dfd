"""Where pieces of work run: in this process, in processes of this machine, or on a Dask cluster.

All three take the same items and return the same results in the order of the items; which one is used changes
no bit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from eubiosis.compute.pool import Then, map_ordered, work_through
from eubiosis.core.findings import Finding, FindingsError

if TYPE_CHECKING:
    from eubiosis.compute.dask_pool import Cluster

Item = TypeVar("Item")
Result = TypeVar("Result")
Kind = Literal["processes", "dask-local", "dask"]
Identify = Callable[[], str]
ALLOWED = "inline, processes:N, dask-local:N or dask://HOST:PORT"
MOST_WORKERS = 1_000
_COUNTED = re.compile(r"(processes|dask-local):([0-9]{1,4})")
_ADDRESS = re.compile(r"dask://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


@dataclass(frozen=True)
class Executor:
    """One way to run pieces of work: ``workers`` of this machine, or the cluster at ``address``.

    ``address`` is HOST:PORT, ``certificates`` the folder of ca.pem, cert.pem and key.pem for it.
    ``identify`` says, here and in every worker of a cluster, what else has to be the same there.
    """

    kind: Kind = "processes"
    workers: int = 1
    address: str = ""
    certificates: Path | None = None
    identify: Identify | None = field(default=None, repr=False, compare=False)

    @property
    def shares_disk(self) -> bool:
        """Whether workers write into the folders of this machine."""
        return self.kind == "processes"

    def map_ordered(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        progress: bool | None = None,
        *,
        label: str = "",
    ) -> list[Result]:
        """Return ``function(item)`` for every item, in their order; see ``pool.map_ordered``.

        Raises ``FindingsError`` where Dask is not installed, the cluster cannot be reached, or a worker is of
        another version.
        """
        if self.kind == "processes":
            return map_ordered(function, items, self.workers, progress, label=label)
        return self._cluster.map_ordered(function, items, progress, label=label)

    def work_through(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        then: Then[Item, Result],
        progress: bool | None = None,
        *,
        label: str = "",
    ) -> None:
        """Call ``function`` on items, and on those that ``then`` adds; see ``pool.work_through``.

        Raises what ``map_ordered`` does.
        """
        if self.kind == "processes":
            work_through(function, items, then, self.workers, progress, label=label)
        else:
            self._cluster.work_through(function, items, then, progress, label=label)

    @property
    def _cluster(self) -> Cluster:
        from eubiosis.compute.dask_pool import Cluster  # late: few runs need it

        return Cluster(self.workers, self.address, self.certificates, self.identify)


def executor_of(
    text: str, *, certificates: Path | None = None, remote: bool = False, option: str = "--executor"
) -> Executor:
    """Return the executor that a text names; raises ``FindingsError`` for any other text.

    A cluster that is not on this machine (loopback) has to be asked for with ``remote``.

    >>> executor_of("processes:2")
    Executor(kind='processes', workers=2, address='', certificates=None)
    """
    if text == "inline":
        return Executor("processes", 1)
    counted = _COUNTED.fullmatch(text)
    if counted and 1 <= int(counted[2]) <= MOST_WORKERS:
        return Executor("processes" if counted[1] == "processes" else "dask-local", int(counted[2]))
    found = _ADDRESS.fullmatch(text)
    if not found or not 1 <= int(found[2]) <= 65535:
        raise _refused(option, f'"{text}" names no executor', ALLOWED, "write one of these")
    if not (remote or _loopback(found[1])):
        step = "give --remote if the cluster there is yours"
        raise _refused(option, f"{found[1]} is another machine", "127.0.0.1, or --remote", step)
    if certificates is None:
        step = "make them: eubiosis certificates FOLDER, and start the scheduler with them"
        raise _refused(option, "a cluster without certificates", "--certificates FOLDER", step)
    lacking = [name for name in ("ca.pem", "cert.pem", "key.pem") if not (certificates / name).is_file()]
    if lacking:
        raise _refused(
            str(certificates), f"without {', '.join(lacking)}", "a folder that eubiosis certificates made",
            "name that folder",
        )  # fmt: skip
    return Executor("dask", 0, f"{found[1]}:{found[2]}", certificates)


def _loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _refused(place: str, problem: str, allowed: str, next_step: str) -> FindingsError:
    return FindingsError([Finding("executor", place, problem, allowed, next_step)])
