"""Run native loops on several threads at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from eubiosis.core.machine import available_threads


def run_on_threads(work: Callable[[], None], threads: int | None, most: int) -> None:
    """Run ``work`` at once on as many threads as were asked for, this one among them; no more than ``most``.

    Each run takes what is left to do, so that together they do it once. Raises ``ValueError`` for fewer than
    one thread.
    """
    if threads is not None and threads < 1:
        message = f"threads is {threads}; allowed: 1 or more"
        raise ValueError(message)
    count = max(1, min(available_threads() if threads is None else threads, most))
    if count == 1:
        work()
        return
    with ThreadPoolExecutor(count - 1) as pool:
        others = [pool.submit(work) for _ in range(count - 1)]
        work()
        for future in others:
            future.result()
