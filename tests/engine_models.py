"""Small systems for tests of the engine, written in Antimony, and the few ways to look at what comes out."""

import antimony
import numpy as np

from eubiosis import engine
from eubiosis.engine import Tolerances

TIGHT = Tolerances(relative=1e-11, absolute=1e-13)
TIGHT_ANY_SIGN = Tolerances(relative=1e-11, absolute=1e-13, negative=np.inf)


def sbml(text):
    """Return the SBML of an Antimony model's body."""
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(f"model small_model()\n{text}\nend\n") >= 0, antimony.getLastError()
    return antimony.getSBMLString("small_model")


def compiled(text):
    """Compile an Antimony model's body."""
    return engine.compile(sbml(text))


def same(one, other):
    """Tell whether two arrays are equal bit for bit, NaN included."""
    return np.asarray(one).tobytes() == np.asarray(other).tobytes()
