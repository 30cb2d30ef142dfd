"""Pieces of work on a Dask cluster, every connection inside TLS, with certificates made for the run.

Plain TCP would let whoever reaches the port run code in the workers, on loopback too. Tasks and results are
pickled, but only inside that channel and never on disk.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import pickle
import platform
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar, cast

from numpy import __version__ as numpy_version

from eubiosis.compute.worker_process import KILLED, RestWatch
from eubiosis.core.extras import install_line
from eubiosis.core.findings import ExecutorError, Finding
from eubiosis.core.machine import THREADS_VARIABLE, keep_little_memory
from eubiosis.core.output import staged, write_whole
from eubiosis.core.version import __version__

if TYPE_CHECKING:
    from distributed import Client, Future

    from eubiosis.compute.pool import Then

Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 2  # tasks for each worker that are out at a time: results and tasks never pile up
HEARTBEAT = "60s"  # a worker that is silent for longer is ended and replaced, its task done anew
REPEATS = 3  # how often a task may lose its worker before the run ends
CONNECT = "20s"
LOOK = 30.0  # seconds without a finished task after which the scheduler is asked whether it lives
ANSWER = 60.0  # seconds that it may take to answer
ALONE = 600.0  # seconds that a cluster may be without any worker
BEGIN = 300.0  # seconds that local workers may take to start
CLOSE = 60.0  # and to end
_REST = 5.0  # seconds between looks at local workers
_RESTS = 12  # looks in a row at which one has computed nothing: it is stopped
_UNREAD = "deserialization of the task graph"  # what a scheduler of another Dask says
_AGAIN = "look at the workers' memory and logs, then run it again (finished pieces stay: --resume)"


@dataclass(frozen=True)
class Cluster:
    """The cluster at ``address`` (HOST:PORT) with its ``certificates``, or ``workers`` of this machine.

    Local workers begin and end with each list of items. A worker in which ``identify`` returns something else
    than here, or that lacks this package, does no work and is named; the scheduler needs no package of ours.
    Several runs may use one cluster at a time.
    """

    workers: int
    address: str = ""
    certificates: Path | None = None
    identify: Callable[[], str] | None = None

    def map_ordered(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        progress: bool | None = None,
        *,
        label: str = "",
    ) -> list[Result]:
        """Return ``function(item)`` for every item, in their order; see ``Executor.map_ordered``."""
        found: dict[int, Result] = {}

        def keep(number: int, result: Result) -> Sequence[Item]:
            found[number] = result
            return ()

        self._work(function, list(items), keep, progress, label)
        return [found[number] for number in range(len(items))]

    def work_through(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        then: Then[Item, Result],
        progress: bool | None = None,
        *,
        label: str = "",
    ) -> None:
        """Call ``function`` on items, and on those that ``then`` adds; see ``Executor.work_through``."""
        work = list(items)
        self._work(function, work, lambda number, result: then(work[number], result), progress, label)

    def _work(
        self,
        function: Callable[[Item], Result],
        work: list[Item],
        then: Callable[[int, Result], Sequence[Item]],
        progress: bool | None,
        label: str,
    ) -> None:
        """Work through a list, to which what ``then(number, result)`` returns is added."""
        from eubiosis.compute.pool import moved, named, progress_bar

        if not work:
            return
        with _workers_lost(), _client(self.workers, self.address, self.certificates) as client:
            there = _checked_workers(client, self.identify)
            with progress_bar(len(work), progress, label) as bar:
                for number, future in _completed(client, function, work, AHEAD * there, self.identify):
                    try:
                        result = named(partial(_own_result, future), work[number], number)
                    except (ImportError, AttributeError, TypeError):
                        _checked_workers(client, self.identify)  # names one that came later and lacks us
                        raise
                    future.release()  # type: ignore[no-untyped-call]
                    work += then(number, cast("Result", result))
                    moved(bar, len(work))


@contextlib.contextmanager
def _workers_lost() -> Iterator[None]:
    """Say in one finding that the cluster failed; what the work itself raises passes."""
    from distributed import CancelledError, KilledWorker
    from distributed.comm.core import CommClosedError

    try:
        yield
    except (KilledWorker, CommClosedError, CancelledError) as error:
        raise _refused(f"the cluster lost its workers ({_first_line(error)})", _AGAIN) from error


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"


class _Call:
    """A call that is made where it is unpickled.

    As bytes it is a task of the standard library: neither the scheduler nor a worker's connection has to
    import anything, and what a worker cannot import is the error of its task.
    """

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._made_of = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self._made_of


def _submit(client: Client, key: str, call: _Call, worker: str = "") -> Future[object]:
    """Submit a call, to one ``worker`` and no other where it is named."""
    from distributed.protocol.pickle import dumps

    content = dumps(call)  # type: ignore[no-untyped-call]
    where = [worker] if worker else None
    return client.submit(pickle.loads, content, pure=False, key=key, workers=where)


def _own_result(future: Future[object]) -> object:
    """Return a task's result; raises ``ExecutorError`` where it is none of the task that was asked for."""
    answer = future.result()
    if not (isinstance(answer, tuple) and len(answer) == 2 and answer[0] == future.key):
        raise _refused("the cluster answered with the result of another task", _AGAIN)
    return answer[1]


def checked(
    key: str,
    own: tuple[str, ...],
    function: Callable[[Item], Result],
    item: Item,
    identify: Callable[[], str] | None = None,
) -> tuple[str, Result]:
    """Call a function in a worker, which may have come later than the others, if its versions are ours.

    Returns the key of the task with the result.
    """
    keep_little_memory()  # Dask's own setting has every larger array fetch new pages
    theirs = identity(identify)
    if tuple(own) != theirs:
        raise _refused(
            f"a worker has {' '.join(theirs)}, this process {' '.join(own)}",
            "install the same versions there, on processors of one kind",
        )
    return key, function(item)


def _completed(
    client: Client,
    function: Callable[[Item], object],
    items: Sequence[Item],
    most: int,
    identify: Callable[[], str] | None,
) -> Iterator[tuple[int, Future[object]]]:
    """Yield finished futures with the number of their item; never more than ``most`` are out.

    The list may grow meanwhile. To a scheduler equal keys of two clients are one task: each list has its own.
    """
    own, token = identity(identify), secrets.token_hex(8)
    numbers: dict[object, int] = {}  # of what is out
    done: SimpleQueue[Future[object]] = SimpleQueue()
    begun = 0

    def send() -> None:
        nonlocal begun
        while begun < len(items) and len(numbers) < most:
            key = f"chunk-{token}-{begun}"
            future = _submit(client, key, _Call(checked, key, own, function, items[begun], identify))
            numbers[future.key] = begun
            future.add_done_callback(done.put)  # type: ignore[no-untyped-call]
            begun += 1

    send()
    while numbers:
        future = _next_done(client, done)
        number = numbers.pop(future.key)
        send()
        yield number, future
        send()  # what was added for it


def _next_done(client: Client, done: SimpleQueue[Future[object]]) -> Future[object]:
    """Return the next finished future; raises ``ExecutorError`` where the scheduler is silent or alone."""
    alone = 0.0  # counted in looks: a clock goes on while the machine sleeps
    while True:
        try:
            return done.get(timeout=LOOK)
        except Empty:
            there = _threads(client)
        alone = 0.0 if there else alone + LOOK
        if alone > ALONE:
            raise _refused(f"the cluster has had no worker for {ALONE:.0f} s", _AGAIN)


def _threads(client: Client) -> dict[str, int]:
    """Return the threads of every worker; raises ``ExecutorError`` where the scheduler does not answer."""
    try:
        ask = client.scheduler.ncores  # type: ignore[union-attr]  # a connected client has one
        found: dict[str, int] = client.sync(ask, callback_timeout=ANSWER)  # type: ignore[no-untyped-call]
    except TimeoutError as error:
        raise _refused(f"the scheduler has not answered for {ANSWER:.0f} s", _AGAIN) from error
    return found


@contextlib.contextmanager
def _client(workers: int, address: str, certificates: Path | None) -> Iterator[Client]:
    """Yield a client of a cluster that ends with the block; one that is elsewhere is only left.

    What local workers write lies in a folder of its own in the system's temporary folder, removed at the end;
    it stays there only after kill -9.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
        from distributed.security import Security
    except ImportError as error:
        raise _refused("Dask is not installed", install_line("dask")) from error
    # the library's own annotations are incomplete
    temporary: Any = Security.temporary
    cluster_of: Any = LocalCluster
    client_of: Any = Client
    settings = {
        "distributed.scheduler.worker-ttl": HEARTBEAT,
        "distributed.scheduler.allowed-failures": REPEATS,
        "distributed.comm.timeouts.connect": CONNECT,
        "distributed.comm.require-encryption": True,
        "distributed.admin.tick.limit": "1h",
        # a scheduler and its workers serve pages of plain HTTP even where no dashboard is asked for
        "distributed.scheduler.http.routes": [],
        "distributed.worker.http.routes": [],
    }
    with dask.config.set(settings):
        if address:
            security = _security(Security, certificates)
            try:
                client = client_of(f"tls://{address}", security=security, timeout=CONNECT, name="eubiosis")
            except (OSError, TimeoutError, ValueError) as error:
                raise _refused(
                    f"no scheduler answers at {address} inside TLS ({type(error).__name__})",
                    "start it with the same certificates: eubiosis certificates prints how",
                ) from error
            with client:
                yield client
            return
        with (
            TemporaryDirectory(prefix="eubiosis-dask-", ignore_cleanup_errors=True) as place,
            dask.config.set({"temporary-directory": place}),
            _ended_when_stopped(),
        ):
            try:
                cluster = cluster_of(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    protocol="tls://",
                    host="127.0.0.1",
                    security=temporary(),
                    dashboard_address=None,
                    # without it the scheduler takes port 8787, and warns where another has it
                    scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
                    silence_logs=logging.CRITICAL,  # what a worker that is ended says of itself; we say it
                    env={THREADS_VARIABLE: "1"},
                )
            except RuntimeError as error:
                raise _refused(f"the workers did not start ({_first_line(error)})", _AGAIN) from error
            try:
                with client_of(cluster, timeout=CONNECT) as client:
                    try:
                        client.wait_for_workers(workers, timeout=BEGIN)
                    except TimeoutError as error:
                        raise _refused(f"the workers did not start within {BEGIN:.0f} s", _AGAIN) from error
                    yield client
            finally:
                try:
                    cluster.close(timeout=CLOSE)
                except TimeoutError:
                    # what is left is ended with kill -9, and Dask's own clearing finds its folders gone
                    logging.getLogger("distributed.diskutils").setLevel(logging.CRITICAL)


@contextlib.contextmanager
def _ended_when_stopped() -> Iterator[None]:
    """End processes of this block that are stopped, at its end all: the library waits for them without bound.

    While the cluster works, its nannies begin another worker instead.
    """
    others, over = set(multiprocessing.active_children()), threading.Event()

    def guard() -> None:
        watch = RestWatch(_REST, most=0)  # a worker that is not stopped tells the scheduler that it lives
        while not over.wait(max(0.1, watch.seconds)):
            each = {child.pid: child for child in set(multiprocessing.active_children()) - others}
            for number, looks in watch.look([pid for pid in each if pid is not None]).items():
                if looks >= _RESTS:
                    each[number].kill()

    guarding = threading.Thread(target=guard, daemon=True, name="watch over the workers")
    guarding.start()
    try:
        yield
    finally:
        over.set()
        guarding.join(KILLED)
        left = set(multiprocessing.active_children()) - others
        for child in left:
            child.kill()
        for child in left:
            child.join(KILLED)


def identity(identify: Callable[[], str] | None = None) -> tuple[str, ...]:
    """Return what has to be the same in a worker: version, Python, numpy, machine, what ``identify`` says."""
    own = (__version__, platform.python_version(), numpy_version, platform.machine())
    return own if identify is None else (*own, identify())


def _checked_workers(client: Client, identify: Callable[[], str] | None) -> int:
    """Return how many workers there are; raises ``ExecutorError`` for one of another version."""
    from distributed import CancelledError, KilledWorker
    from distributed.comm.core import CommClosedError

    there, token = sorted(_threads(client)), secrets.token_hex(8)
    done: SimpleQueue[Future[object]] = SimpleQueue()
    if not there:
        raise _refused("the cluster has no worker", "start workers with the same certificates")
    asked: dict[object, str] = {}
    for address in there:
        future = _submit(client, f"is-{token}-{address}", _Call(identity, identify), address)
        asked[future.key] = address
        future.add_done_callback(done.put)  # type: ignore[no-untyped-call]
    own, others = identity(identify), {}
    for future, address in _answers(client, asked, done):
        try:
            theirs: object = future.result()
        except (KilledWorker, CommClosedError, CancelledError):
            raise
        except Exception as error:  # whatever keeps it from answering keeps it from working
            if _UNREAD in str(error):
                step = "start it with the versions of Python, dask and distributed that are here"
                raise _refused(f"the scheduler cannot read our tasks ({_first_line(error)})", step) from error
            others[address] = f"the worker cannot run eubiosis ({_first_line(error)})"
            continue
        if not isinstance(theirs, tuple) or theirs != own:
            words = map(str, theirs) if isinstance(theirs, tuple) else [str(theirs)]
            others[address] = f"the worker has {' '.join(words)}"
    if others:
        step = "install the same versions there, on processors of one kind"
        raise ExecutorError(
            [Finding("executor", each, others[each], " ".join(own), step) for each in sorted(others)]
        )
    return len(there)


def _answers(
    client: Client, asked: dict[object, str], done: SimpleQueue[Future[object]]
) -> Iterator[tuple[Future[object], str]]:
    """Yield what workers answer, with their address; one that goes meanwhile answers nothing."""
    waiting = dict(asked)
    while waiting:
        try:
            future = done.get(timeout=LOOK)
        except Empty:
            there = _threads(client)
            waiting = {key: address for key, address in waiting.items() if address in there}
            continue
        if address := waiting.pop(future.key, ""):
            yield future, address


def make_certificates(folder: Path) -> list[Path]:
    """Write ca.pem, cert.pem and key.pem for one cluster; the key can be read by the owner only.

    Raises ``FindingsError`` where Dask or cryptography is not installed, or the folder cannot be written.
    """
    try:
        from distributed.security import Security

        made: Any = Security.temporary()  # type: ignore[no-untyped-call]
    except ImportError as error:
        raise _refused("Dask or cryptography is not installed", install_line("dask")) from error
    texts = {
        "ca.pem": made.tls_ca_file,
        "cert.pem": made.tls_worker_cert,
        "key.pem": made.tls_worker_key,
    }
    with staged(folder) as aside:
        aside.chmod(0o700)
        for name, text in texts.items():
            write_whole(aside / name, str(text)).chmod(0o600)
    return [folder / name for name in texts]


def _security(security: type, certificates: Path | None) -> Any:
    assert certificates is not None
    files = {"tls_ca_file": "ca.pem", "tls_client_cert": "cert.pem", "tls_client_key": "key.pem"}
    return security(require_encryption=True, **{key: str(certificates / name) for key, name in files.items()})


def _refused(problem: str, next_step: str) -> ExecutorError:
    return ExecutorError([Finding("executor", "", problem, next_step=next_step)])
