#!/usr/bin/env bash
# python-libsbml 5.21.2 and python-libsedml 2.0.34 (seen November 2026).
#
# Importing libsedml after libsbml changes what libsbml returns: the type of a mathematical node, an int before, becomes
# an opaque SWIG object that equals no constant of libsbml ("swig/python detected a memory leak of type 'enum
# ASTNodeType_t *'"). Code that asks "is this node a piecewise?" gets False from then on. Nothing raises.
#
# Why it matters: a program that writes SBML and SED-ML in one process writes other SBML after the first SED-ML. Here the
# literals of doses lost their units, and libSBML's own check then objected to the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check python-libsbml==5.21.2 python-libsedml==2.0.34
"$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import sys

import libsbml


def seen():
    """Return the type of a node's type, and whether a piecewise is known as one."""
    kind = libsbml.parseL3Formula("piecewise(1, time >= 0, 2)").getType()
    return type(kind).__name__, kind == libsbml.AST_FUNCTION_PIECEWISE


before = seen()
import libsedml  # noqa: E402

after = seen()
print(f"libSBML {libsbml.getLibSBMLDottedVersion()}, libSEDML {libsedml.getLibSEDMLDottedVersion()}")
print(f"before libsedml: type of a node is {before[0]}, a piecewise is known: {before[1]}")
print(f"after libsedml: type of a node is {after[0]}, a piecewise is known: {after[1]}")
stated = before == ("int", True) and after[1] is False
print("the behaviour is as stated" if stated else "the behaviour has changed")
sys.exit(0 if stated else 1)
PYTHON
