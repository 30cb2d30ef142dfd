"""The profile of a stool table: measured, compared with its groups and the reference, held in the model."""

from eubiosis.workflow.profile.build import ProfileAsk, profile_table
from eubiosis.workflow.profile.write import write_profile

__all__ = ["ProfileAsk", "profile_table", "write_profile"]
