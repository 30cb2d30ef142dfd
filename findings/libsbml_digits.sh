#!/usr/bin/env bash
# python-libsbml 5.21.2 and antimony 3.3.0 (seen November 2026).
#
# Both write every number with 15 significant digits: values of parameters, numbers in formulas and in MathML. A double
# needs up to 17, so a model that is written and read again is another model in its last digits, and a whole number
# above 10^15 changes. Nothing warns. Antimony's own text is shortened the same way when it is printed again.
#
# Why it matters: a derived parameter (a niche factor that holds a steady state) is computed to the last bit; exported,
# it no longer is the number that the run used, and "the exported model reproduces the run" holds to 1e-15 only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check python-libsbml==5.21.2 antimony==3.3.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys

import antimony
import libsbml

value = 0.1 + 0.2  # 0.30000000000000004
large = 12345678901234567.0

document = libsbml.SBMLDocument(3, 2)
model = document.createModel()
for name, number in (("k", value), ("n", large)):
    parameter = model.createParameter()
    parameter.setId(name)
    parameter.setConstant(True)
    parameter.setValue(number)
text = libsbml.writeSBMLToString(document)
again = libsbml.readSBMLFromString(text).getModel()
back = {name: again.getParameter(name).getValue() for name in ("k", "n")}
formula = libsbml.formulaToL3String(libsbml.parseL3Formula(repr(value)))

antimony.loadAntimonyString(f"k = {value!r}")
exported = antimony.getSBMLString(antimony.getMainModuleName())
from_antimony = libsbml.readSBMLFromString(exported).getModel().getParameter("k").getValue()

print(f"libSBML {libsbml.getLibSBMLDottedVersion()}")
print(f"parameter {value!r} is written and read as {back['k']!r}")
print(f"parameter {large!r} is written and read as {back['n']!r}")
print(f"formula {value!r} is printed as {formula}")
print(f"antimony: k = {value!r} becomes {from_antimony!r}")
seen = (back["k"] == 0.3, back["n"] == 12345678901234600.0, formula == "0.3", from_antimony == 0.3)
print("the behaviour is as stated" if all(seen) else f"the behaviour has changed: {seen}")
sys.exit(0 if all(seen) else 1)
PYTHON
