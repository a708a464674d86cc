"""What the tasks of a run tell one another: URIs, labels, counts and short sentences, never data."""

from collections.abc import Iterable, Sequence

COLLECT = "collect"
"""The task before a flow's plan, where there is one."""
APPROVE = "approve"
"""The task between a plan and its jobs, in a flow whose plan may ask a person."""
PLAN, RUN, SETTLE, REPORT = "plan", "run", "settle", "report"
"""The tasks of every flow; the last one asks them all."""

PLAN_URI = "plan_uri"
"""Pushed by `plan`: where the plan's folder lies. Absent while plan has not succeeded."""
PROBLEMS = "problems"
"""Pushed by a `collect` or `plan` that cannot be done: its reasons, a bounded list of sentences."""
COUNTS = "counts"
"""Pushed by `plan` and `report`: numbers by name."""
REPORT_URI = "report_uri"
"""Pushed by `report`: where report.html lies."""
RESULT = "result"
"""Pushed by `report`: what became of the run, in a line."""

NOT_DONE = "There is no plan, and nothing was made:"
"""What stands above those reasons, in every place that shows them."""

_LONGEST = 500


def sentences(said: Sequence[str], most: int = 100) -> list[str]:
    """At most `most` sentences, each clipped, and one more that says how many were left out."""
    kept = [sentence if len(sentence) <= _LONGEST else f"{sentence[: _LONGEST - 3]}..." for sentence in said[:most]]
    return [*kept, f"... and {len(said) - most} more."] if len(said) > most else kept


def bullets(said: Iterable[str]) -> str:
    """Sentences as a list, one a line."""
    return "\n".join(f"- {sentence}" for sentence in said)
