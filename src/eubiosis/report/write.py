"""Write a report: what a workflow has summarised, as one file that needs nothing beside itself."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from eubiosis.core.findings import Finding, FindingsError
from eubiosis.core.output import beside
from eubiosis.core.report_input import TrialReportInput

SUFFIXES = (".html", ".json")


def write(path: Path | str, content: TrialReportInput) -> Path:
    """Write the report of a virtual trial and return its path.

    ``content`` comes from ``eubiosis.workflow.trial_report``. The suffix decides: ``.html`` is the page
    with its figures and data inside, ``.json`` its numbers. The same content gives the same bytes. Raises
    ``FindingsError`` for another suffix, a file that exists, or a place where nothing can be written.

    >>> from eubiosis.core.findings import FindingsError
    >>> from eubiosis.core.report_input import empty_report
    >>> try:
    ...     write("report.docx", empty_report("nothing"))
    ... except FindingsError as error:
    ...     print(error.findings[0].allowed)
    a name that ends in .html or .json
    """
    target = Path(path)
    if target.suffix.lower() not in SUFFIXES:
        allowed = "a name that ends in .html or .json"
        finding = Finding(str(target), "", "no such kind of report", allowed, "choose another name")
        raise FindingsError([finding])
    if target.suffix.lower() == ".html":
        from eubiosis.report.trial.page import trial_report

        text = trial_report(content)
    else:
        from eubiosis.report.trial.results_json import results_text

        text = results_text(content)
    try:
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
        with beside(target) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        exists = isinstance(error, FileExistsError)
        problem = "it exists already" if exists else f"it cannot be written ({error.strerror})"
        raise FindingsError(
            [Finding(str(target), "", problem, "a new file in a folder that exists", "choose another name")]
        ) from error
    return target
