"""The rows behind the clinical prior against the evidence: what is fitted may not be held out."""

from __future__ import annotations

from pathlib import Path

from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.core.outside import read_outside
from eubiosis.evidence.forecast.priors import holdout_studies
from eubiosis.evidence.records.store import load
from eubiosis.model.coupling_data import read_coupling_rows


def demand_clinical_rows(folder: Path) -> None:
    """Raise ``FindingsError`` with every bad row of biomarkers and add-on trials of a content folder.

    A cohort counted twice, a fit row whose cohort the evidence holds out, a row without source or licence, a
    row of EAE among those of people.

    >>> from eubiosis.core.content import PACKAGED_CONTENT
    >>> demand_clinical_rows(PACKAGED_CONTENT)
    """
    evidence = load()
    held = frozenset(evidence.cohort_of(name) for name in holdout_studies(evidence))
    findings = FindingCollector()
    read_coupling_rows(folder, findings, held)
    try:
        read_outside(folder, held)
    except FindingsError as error:
        findings.extend(error.findings)
    findings.raise_if_any()
