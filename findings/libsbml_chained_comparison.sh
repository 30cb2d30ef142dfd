#!/usr/bin/env bash
# python-libsbml 5.21.2 and antimony 3.3.0 (seen November 2026).
#
# libSBML's L3 formula parser, which Antimony uses too, reads a comparison of two comparisons as a chain although both
# sides stand in parentheses: "(a < b) != (c < d)", exclusive or in plain words, becomes "(a < b) && (b != (c < d))". The
# number b is then compared with a truth value. "==" behaves alike; parentheses around the right side alone hold.
#
# Why it matters: a trigger or a piecewise condition that is written that way means something else in the SBML file, and
# every tool that reads the file runs the other thing without a word. Written as xor(a < b, c < d) it is kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check python-libsbml==5.21.2 antimony==3.3.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import antimony
import libsbml

written = "(a < b) != (c < d)"
parsed = libsbml.formulaToL3String(libsbml.parseL3Formula(written))
equal = libsbml.formulaToL3String(libsbml.parseL3Formula("(a < b) == (c < d)"))
kept = libsbml.formulaToL3String(libsbml.parseL3Formula("xor(a < b, c < d)"))

antimony.loadAntimonyString(f"a = 3; b = 2; c = 1; d = 2; x := piecewise(1, {written}, 0)")
model = libsbml.readSBMLFromString(antimony.getSBMLString(antimony.getMainModuleName())).getModel()
exported = libsbml.formulaToL3String(model.getAssignmentRuleByVariable("x").getMath())

print(f"libSBML {libsbml.getLibSBMLDottedVersion()}")
print(f"{written!r} is read as {parsed!r}")
print(f"with == as {equal!r}; xor(...) as {kept!r}")
print(f"antimony exports x := {exported}")
seen = (
    parsed == "(a < b) && (b != (c < d))",
    equal == "(a < b) && (b == (c < d))",
    "b !=" not in kept,
    "b != (c < d)" in exported,
)
print("the behaviour is as stated" if all(seen) else f"the behaviour has changed: {seen}")
sys.exit(0 if all(seen) else 1)
PYTHON
