"""What became of a run: counts, what was not done and why; as JSON for machines, as a page for people."""

from darkroom.reports.report import build_report, failure_text, make_report, result_line

__all__ = ["build_report", "failure_text", "make_report", "result_line"]
