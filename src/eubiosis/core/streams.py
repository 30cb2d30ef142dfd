"""Named random streams: the same seed, decision and subject give the same draws everywhere.

A draw depends on the seed, the name of the decision and the subject's own number, and on nothing else:
not on the arm, the batch, the order of subjects, the process or the machine.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, decision: str, subject: int | None = None) -> np.random.Generator:
    """Return the random generator of one decision for one subject (or for all, when none is named).

    The key is a hash of its arguments, the generator counter-based (Philox; Salmon 2011), so streams of
    different names or subjects are independent and can be opened in any order.

    >>> float(stream(7, "relapse", 3).random()) == float(stream(7, "relapse", 3).random())
    True
    """
    label = f"{seed}\x1f{decision}\x1f{'' if subject is None else subject}".encode()
    key = np.frombuffer(hashlib.blake2b(label, digest_size=16).digest(), dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))
