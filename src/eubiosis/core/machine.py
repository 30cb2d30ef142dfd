"""What of the machine this process may use."""

from __future__ import annotations

import ctypes
import gc
import os
import sys

THREADS_VARIABLE = "EUBIOSIS_THREADS"  # how many threads a process may use
ONE_ALGEBRA_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def use_one_algebra_thread() -> None:
    """Let numpy's linear algebra use one thread, unless the environment says otherwise; before numpy loads.

    Our matrices are small: a second thread of OpenBLAS only waits, awake, and takes a quarter more of the
    processor for it. With one thread sums are also added in one order whatever the machine.
    """
    for name, value in ONE_ALGEBRA_THREAD.items():
        os.environ.setdefault(name, value)


def available_cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def available_threads() -> int:
    """Return how many threads to use: ``EUBIOSIS_THREADS``, or else the cores this process may use.

    Raises ``ValueError`` when the variable is no whole number above zero.
    """
    named = os.environ.get(THREADS_VARIABLE)
    if not named:
        return available_cores()
    if not named.isdecimal() or int(named) < 1:
        message = f'{THREADS_VARIABLE} is "{named}"; allowed: a whole number from 1'
        raise ValueError(message)
    return int(named)


def physical_memory() -> int | None:
    """Return the machine's memory in bytes; None where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def give_back_memory() -> None:
    """Return freed memory to the system, where its allocator can be asked (Linux with glibc).

    What pyarrow holds in a stock of its own goes too, where it is loaded. Young objects alone are looked
    through for cycles: all of them would take seconds in a large process.
    """
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
    trim = getattr(_allocator(), "malloc_trim", None)
    if trim is not None:
        gc.collect(1)
        trim(0)


def keep_little_memory() -> None:
    """Let this process hold on to little of what it has freed, where its allocator can be told (glibc).

    All threads share two stocks of freed memory instead of one for each, and an array from a megabyte on has
    pages of its own, which go back when it goes; by default glibc raises that limit to 32 MB as soon as such
    arrays come and go, and what is freed between others stays. A lower limit would cost more time than it
    saves memory. Smaller arrays reuse their pages: twice as much may lie free at the end, which is glibc's
    own measure where nothing was set; Dask sets 64 kB for its workers, so that every array fetches new pages.
    """
    set_option = getattr(_allocator(), "mallopt", None)
    if set_option is not None:
        set_option(_ARENA_MAX, 2)
        set_option(_MMAP_THRESHOLD, _OWN_PAGES)
        set_option(_TRIM_THRESHOLD, 2 * _OWN_PAGES)


_ARENA_MAX, _MMAP_THRESHOLD, _TRIM_THRESHOLD = -8, -3, -1  # M_ARENA_MAX and so on of malloc.h
_OWN_PAGES = 2**20  # bytes


def _allocator() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if sys.platform == "linux" else None
