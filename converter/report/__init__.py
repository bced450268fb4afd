"""The report of an experiment: tables, figures and verdicts beside those of the paper."""

from converter.report.report import write_report

__all__ = ["write_report"]
