"""From an edited module to a trial: what a subject is measured as follows the changed number."""

import numpy as np
import pytest
from test_trial_determinism import SMALL

from eubiosis.compute.executors import Executor
from eubiosis.core.findings import FindingCollector, FindingsError
from eubiosis.core.tables import read_table
from eubiosis.model.clinical_key import write_clinical_key
from eubiosis.model.content import load_content
from eubiosis.model.exchange.standalone import module_antimony
from eubiosis.model.exchange.use_module import use_modules
from eubiosis.model.sensitivity import TABLE, SensitivityRow, load_sensitivities, save_sensitivities
from eubiosis.workflow.trial_job import run_job
from eubiosis.workflow.workflow import Workflow

ONE = SMALL | {"simulation": {"gut_worlds": 1, "host_worlds": 1, "replicates": 1}}


def refuse_then_keep_answers(packaged, folder):
    """Answers of relapses must be measured anew for an edited model; a read-out's scale moves none.

    So those of the packaged model are put in place here, which spares minutes.
    """
    own = load_content(folder)
    with pytest.raises(FindingsError, match="older than the tables"):
        load_sensitivities(own)
    findings = FindingCollector()
    rows = read_table(packaged.folder / TABLE, SensitivityRow, findings)
    findings.raise_if_any()
    save_sensitivities(own, rows)
    write_clinical_key(own)


@pytest.mark.slow
def test_a_doubled_percentage_of_treg_is_measured(model, tmp_path):
    """A level L in multiples of health is 20 L / (L + 20 / h - 1) %, h being the percentage in health."""
    number = model.content.numbers["host_treg_percent"].value
    text = module_antimony(model, "host")
    edited = text.replace(
        f"const host_treg_percent = {number!r}", f"const host_treg_percent = {2 * number!r}"
    )
    assert edited != text
    file = tmp_path / "host.ant"
    file.write_text(edited, encoding="utf-8")
    use = use_modules({"host": file}, tmp_path / "mine")
    refuse_then_keep_answers(model.content, use.folder)
    before = run_job(Workflow(**ONE), executor=Executor(workers=2), progress=False)
    after = run_job(Workflow(**ONE), executor=Executor(workers=2), progress=False, content=use.folder)
    first, second = before.tables["observed_visits"], after.tables["observed_visits"]
    assert len(first) == len(second) > 0
    measured = np.asarray(first["treg"], dtype=float)
    assert np.isfinite(measured).any()
    level = measured * (20 / number - 1) / (20 - measured)
    expected = 20 * level / (level + 20 / (2 * number) - 1)
    np.testing.assert_allclose(np.asarray(second["treg"], dtype=float), expected, atol=0.02)  # printed digits
    assert "model" not in before.facts
    assert after.facts["model"].startswith("an edited content folder, sha256 ")
