"""Figures, tables and self-contained pages; a report shows what it is handed and knows nothing else."""

from eubiosis.report.write import write

__all__ = ["write"]
