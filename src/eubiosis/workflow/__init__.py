"""The only place that knows the whole chain: workflows, their run folders, and what a report shows."""

from typing import TYPE_CHECKING

from eubiosis.core.lazy import lazily

if TYPE_CHECKING:
    from eubiosis.workflow.analyse import analyse_files, write_analysis
    from eubiosis.workflow.examples import example_workflow
    from eubiosis.workflow.files.workflow_yaml import read_workflow, resolved_yaml
    from eubiosis.workflow.plan import AnalysisPlan, analysis_plan
    from eubiosis.workflow.profile.build import ProfileAsk, ProfiledTable, profile_table
    from eubiosis.workflow.profile.write import write_profile
    from eubiosis.workflow.therapy_shares import therapy_shares
    from eubiosis.workflow.trial_job import trial_report
    from eubiosis.workflow.trial_run import run_trial
    from eubiosis.workflow.trial_surface import surface
    from eubiosis.workflow.workflow import Workflow

__all__ = [
    "AnalysisPlan",
    "ProfileAsk",
    "ProfiledTable",
    "Workflow",
    "analyse_files",
    "analysis_plan",
    "example_workflow",
    "profile_table",
    "read_workflow",
    "resolved_yaml",
    "run_trial",
    "surface",
    "therapy_shares",
    "trial_report",
    "write_analysis",
    "write_profile",
]
__getattr__ = lazily(
    __name__,
    {
        "AnalysisPlan": "eubiosis.workflow.plan",
        "ProfileAsk": "eubiosis.workflow.profile.build",
        "ProfiledTable": "eubiosis.workflow.profile.build",
        "Workflow": "eubiosis.workflow.workflow",
        "analyse_files": "eubiosis.workflow.analyse",
        "analysis_plan": "eubiosis.workflow.plan",
        "profile_table": "eubiosis.workflow.profile.build",
        "example_workflow": "eubiosis.workflow.examples",
        "read_workflow": "eubiosis.workflow.files.workflow_yaml",
        "resolved_yaml": "eubiosis.workflow.files.workflow_yaml",
        "run_trial": "eubiosis.workflow.trial_run",
        "surface": "eubiosis.workflow.trial_surface",
        "therapy_shares": "eubiosis.workflow.therapy_shares",
        "trial_report": "eubiosis.workflow.trial_job",
        "write_analysis": "eubiosis.workflow.analyse",
        "write_profile": "eubiosis.workflow.profile.write",
    },
)
