"""Forms of disease: healthy, relapsing and progressive MS, and the mouse, all from the same equations.

``content/forms.tsv`` names them, ``content/persons.tsv`` has the settings in which they differ from health. A
form is based on another where it shares that one's settings. A form whose targets nobody has read and fitted
is uncalibrated, and is called so wherever it is named.
"""

from __future__ import annotations

from eubiosis.core.findings import FindingCollector, unknown_word
from eubiosis.core.tables import check_unique
from eubiosis.model.content import Content, FormRow

UNCALIBRATED = "uncalibrated"


def caption(form: FormRow) -> str:
    """Return what a form is called where it is shown."""
    return form.label if form.calibrated == "yes" else f"{form.label}, {UNCALIBRATED}"


def check_forms(content: Content, findings: FindingCollector) -> None:
    """Check that the forms of disease and the settings of persons.tsv name each other."""
    persons = {form.person for form in content.forms}
    file = content.file("forms.tsv")
    check_unique([(form.person, form.person) for form in content.forms], file, "form", findings)
    if "healthy" not in persons:
        findings.add(file, "", "no row for the healthy person", next_step="restore the row healthy")
    for form in content.forms:
        if form.based_on and (form.based_on not in persons or form.based_on == form.person):
            findings.add(file, form.person, f"based_on {unknown_word(form.based_on, persons)}")
    for person in dict.fromkeys(row.person for row in content.persons):
        if person not in persons:
            findings.add(
                content.file("persons.tsv"),
                person,
                f"person {unknown_word(person, persons)}",
                next_step="add a row to forms.tsv",
            )
