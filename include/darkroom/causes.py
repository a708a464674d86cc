"""Why items were not made: each cause once, with the items that it cost, as every report, log and alert tells it."""

from collections.abc import Iterable, Sequence

from pydantic import BaseModel, ConfigDict

from darkroom.amounts import counted
from darkroom.jobs import Count, NotDone, Outcome, State

_MOST_NAMED = 3  # items of a cause
_LONGEST = 300  # characters of a reason in a line


class Cause(BaseModel):
    """One reason, and how many items it cost: `items` are the first of them, `where` the place of what is at fault."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str
    state: State
    count: Count
    items: tuple[str, ...]
    kind: str = ""
    where: str = ""

    def line(self, noun: str) -> str:
        """The cause as a line, the reason first and the place last; `noun` is what an item is called.

        >>> Cause(reason="x.png is cut short", state=State.REFUSED, count=24, items=("a", "b")).line("picture")
        'x.png is cut short: 24 pictures, such as a (refused)'
        """
        who = self.items[0] if self.count == 1 else f"{counted(self.count, noun)}, such as {self.items[0]}"
        reason = self.reason if len(self.reason) <= _LONGEST else f"{self.reason[: _LONGEST - 3]}..."
        return f"{reason}: {who} ({self.state}{f'; {self.where}' if self.where else ''})"


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
