"""Foreign C code at arm's length: a script of ours in a child process with limits on time and memory.

A damaged file can keep a C library busy for ever, make it ask for all memory, or crash it. None of that can
be caught inside a process; a child can be ended from outside.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from eubiosis.core.machine import ONE_ALGEBRA_THREAD

ROOT = Path(__file__).parents[2]  # the folder that holds the package


class ChildEnded(Exception):
    """A child that was ended, or ended itself, without an answer; the text says how."""


def run_bounded(
    script: Path, arguments: Sequence[str], *, given: bytes = b"", seconds: float, memory: int
) -> bytes:
    """Run a script with this interpreter and return what it wrote on standard output.

    The script is one of this package that begins with ``limit_this_process``; ``given`` is its standard
    input, ``seconds`` of wall time and ``memory`` bytes are its limits. It finds this package whatever the
    current folder is, and imports nothing from that folder. Raises ``ChildEnded`` where it took too long,
    was ended by a signal, or failed.
    """
    command = [sys.executable, "-P", str(script), str(ROOT), repr(seconds), str(memory), *arguments]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **ONE_ALGEBRA_THREAD},
    ) as child:
        try:
            answer, said = child.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            message = f"no end within {seconds:.0f} s"
            raise ChildEnded(message) from None
        except BaseException:  # Ctrl-C: the child goes too
            child.kill()
            raise
    code = child.returncode
    if code == 0:
        return answer
    lines = said.decode("utf-8", "replace").strip().splitlines()
    if code in _TIME_ENDS:
        message = f"no end within {seconds:.0f} s"
    elif code < 0:
        message = f"the library crashed (signal {-code})"
    else:
        message = (lines[-1] if lines else f"exit status {code}")[:200]
    raise ChildEnded(message)


def limit_this_process(seconds: float, memory: int) -> None:
    """Bound this process itself, so that it ends even when its parent is gone; POSIX only.

    The limits are the kernel's: they hold inside C code too.
    """
    if os.name != "posix":
        return
    import resource

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + 1)
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    own = memory if most == resource.RLIM_INFINITY else min(memory, most)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (own, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError):  # macOS refuses some limits; that on time stands
        return


_TIME_ENDS = tuple(-getattr(signal, name) for name in ("SIGALRM", "SIGXCPU") if hasattr(signal, name))
