"""The report: one page of HTML about a model. Style, markup and each section have a file."""

from chainrule.plots.reporting.page import check_report, report

__all__ = ["check_report", "report"]
