"""What became of a run: counts, what was not done and why; as JSON for machines, as a page for people."""

from darkroom.reports.report import Report, build_report, make_report

__all__ = ["Report", "build_report", "make_report"]
