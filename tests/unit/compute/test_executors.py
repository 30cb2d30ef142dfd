"""What names an executor, and what is refused before anything connects."""

import stat

import pytest

from eubiosis.compute.executors import Executor, executor_of
from eubiosis.core.findings import ExecutorError, FindingsError


@pytest.mark.parametrize(
    ("text", "kind", "workers"),
    [("inline", "processes", 1), ("processes:3", "processes", 3), ("dask-local:2", "dask-local", 2)],
)
def test_executors_of_this_machine(text, kind, workers):
    found = executor_of(text)
    assert (found.kind, found.workers) == (kind, workers)
    assert found.shares_disk == (kind == "processes")


@pytest.mark.parametrize(
    "text",
    [
        *("", "dask", "processes:0", "processes:-1", "processes:1e3", "processes:2 ", "dask-local:99999"),
        *("dask://", "dask://host", "dask://127.0.0.1:0", "dask://127.0.0.1:70000", "dask://a b:8786"),
        "tcp://127.0.0.1:8786",
    ],
)
def test_any_other_text_is_refused_with_what_is_allowed(text):
    with pytest.raises(FindingsError, match="inline, processes:N, dask-local:N or dask://HOST:PORT"):
        executor_of(text)


def test_another_machine_has_to_be_asked_for_and_certificates_have_to_be_there(tmp_path):
    with pytest.raises(FindingsError, match=r"192\.0\.2\.7 is another machine"):
        executor_of("dask://192.0.2.7:8786", certificates=tmp_path)
    with pytest.raises(FindingsError, match="a cluster without certificates"):
        executor_of("dask://127.0.0.1:8786")
    with pytest.raises(FindingsError, match=r"without ca\.pem, cert\.pem, key\.pem"):
        executor_of("dask://192.0.2.7:8786", certificates=tmp_path, remote=True)
    for name in ("ca.pem", "cert.pem", "key.pem"):
        (tmp_path / name).write_text("")
    for host in ("127.0.0.1", "localhost", "[::1]"):
        found = executor_of(f"dask://{host}:8786", certificates=tmp_path)
        assert found == Executor("dask", 0, f"{host}:8786", tmp_path)


def test_certificates_can_be_read_by_their_owner_only(tmp_path):
    pytest.importorskip("distributed", reason="needs eubiosis[dask]")
    pytest.importorskip("cryptography", reason="needs eubiosis[dask]")
    from eubiosis.compute.dask_pool import make_certificates

    paths = make_certificates(tmp_path / "tls")
    assert [path.name for path in paths] == ["ca.pem", "cert.pem", "key.pem"]
    for path in paths:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text().startswith("-----BEGIN ")


def test_this_process_and_processes_give_results_in_order():
    for executor in (Executor(), Executor(workers=2)):
        assert executor.map_ordered(len, ["a", "bcd", ""], progress=False) == [1, 3, 0]


def test_a_worker_of_another_version_does_no_work():
    from eubiosis.compute.dask_pool import checked, identity

    assert checked("key", identity(), len, "abc") == ("key", 3)
    with pytest.raises(ExecutorError, match=r"a worker has .*install the same versions"):
        checked("key", ("0.0.1", *identity()[1:]), len, "abc")


def test_a_worker_with_other_kernels_does_no_work():
    from eubiosis.compute.dask_pool import checked, identity
    from eubiosis.engine.codegen.native import kernel_identity

    own = identity(kernel_identity)
    assert checked("key", own, len, "abc", kernel_identity) == ("key", 3)
    with pytest.raises(ExecutorError, match=r"a worker has .* 0000, this process .*processors of one kind"):
        checked("key", own, len, "abc", "0000".__str__)
