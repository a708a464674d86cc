"""Why items were not made: each cause once, with the items that it cost, as every report, log and alert tells it."""

from collections.abc import Iterable, Sequence

from darkroom.jobs import Cause, NotDone, Outcome, State

_MOST_NAMED = 3  # items of a cause


def causes(not_done: Iterable[NotDone | Outcome]) -> tuple[Cause, ...]:
    """The causes of all that was not made, the one that cost most first; of equal ones the one that was met first."""
    found: dict[tuple[str, str, State], list[NotDone | Outcome]] = {}
    for one in not_done:
        found.setdefault((one.reason, one.kind, one.state), []).append(one)
    told = (
        Cause(
            reason=reason,
            kind=kind,
            state=state,
            count=len(items),
            items=tuple(one.item for one in items[:_MOST_NAMED]),
            where=items[0].where,
        )
        for (reason, kind, state), items in found.items()
    )
    return tuple(sorted(told, key=lambda cause: -cause.count))


def cause_lines(found: Sequence[Cause], noun: str, most: int) -> list[str]:
    """At most `most` causes, a line each, and one more that says how many were left out."""
    lines = [cause.line(noun) for cause in found[:most]]
    return [*lines, f"... and {len(found) - most:,} more reasons."] if len(found) > most else lines
