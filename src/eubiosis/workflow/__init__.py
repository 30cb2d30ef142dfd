"""The workflow package."""
