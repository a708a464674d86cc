"""Silences: alerts of a DAG that are not sent until a date, for a reason that somebody gave.

One document (`keys.SILENCES`), replaced only conditionally. What is silenced is still logged. A damaged document
silences nothing: reading it raises.
"""

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

from darkroom import keys, ledger
from darkroom.alerting.message import Kind, Message, one_line
from darkroom.errors import BadInput
from darkroom.jobs import Document
from darkroom.store import Store

LONGEST = timedelta(days=366)
"""Nobody remembers a silence that is older."""
_DAG = re.compile(r"[A-Za-z0-9_.~:+-]{1,250}")
_LONGEST_REASON, _LONGEST_NAME = 500, 250
_MOST_STANDING, _MOST_ENDED = 1_000, 200


class Silence(BaseModel):
    """Who silenced which alerts, when, until when and why. `kind` is None for all but mismatches.

    A mismatch may mean that what was safe is not: it has to be named to be silenced.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    dag: str
    kind: Kind | None = None
    until: datetime
    reason: str
    by: str
    when: datetime
    lifted_by: str = ""
    lifted: datetime | None = None

    def stands(self, now: datetime) -> bool:
        """Does it hold at a time?"""
        return self.lifted is None and now < self.until

    def covers(self, dag: str, kind: Kind) -> bool:
        """Is it about alerts of this kind?"""
        return self.dag == dag and (self.kind is kind if self.kind else kind is not Kind.MISMATCH)

    @property
    def sentence(self) -> str:
        """Until when, why, and who says so."""
        return f"silenced until {self.until:%Y-%m-%d %H:%M} UTC by {self.by} ({self.when:%Y-%m-%d}): {self.reason}"


class Silences(Document):
    """Every silence, the first first; those that have ended for a while."""

    silences: tuple[Silence, ...] = ()


def silence(
    store: Store,
    dag: str,
    until: datetime,
    reason: str,
    by: str,
    *,
    kind: Kind | None = None,
    now: datetime | None = None,
) -> Silence:
    """Silence a DAG's alerts. Raises `BadInput` for what cannot be meant, and `StoreError`."""
    now = now or datetime.now(UTC)
    said = reason.strip()
    problems = []
    if not _DAG.fullmatch(dag):
        problems.append(f"dag: {one_line(dag, 80)!r} is no DAG's name, such as nightly_pyramids.")
    if not said:
        problems.append("reason: it says nothing; write why nobody needs to hear of it.")
    if len(said) > _LONGEST_REASON:
        problems.append(f"reason: it has {len(said):,} characters, and at most {_LONGEST_REASON} are kept; shorten it.")
    if until <= now:
        problems.append(f"until: {until:%Y-%m-%d %H:%M} UTC is over; give a time to come.")
    if until > now + LONGEST:
        problems.append(f"until: {until:%Y-%m-%d} is more than a year away; give a nearer date, and renew it then.")
    if problems:
        raise BadInput(problems)
    new = Silence(
        id=secrets.token_hex(4),
        dag=dag,
        kind=kind,
        until=until,
        reason=one_line(said),
        by=one_line(by, _LONGEST_NAME),
        when=now,
    )

    def added(known: Silences) -> Silences:
        standing = [one for one in known.silences if one.stands(now)]
        if len(standing) >= _MOST_STANDING:
            raise BadInput(f"{_MOST_STANDING:,} silences stand already; lift some of them first.")
        ended = [one for one in known.silences if not one.stands(now)]
        return known.model_copy(update={"silences": (*ended[-_MOST_ENDED:], *standing, new)})

    ledger.update(store, keys.SILENCES, Silences, added)
    return new


def lift(store: Store, silence_id: str, by: str, *, now: datetime | None = None) -> Silence:
    """End a silence before its time. Raises `BadInput` where there is none that stands, and `StoreError`."""
    at = now or datetime.now(UTC)

    def lifted(known: Silences) -> Silences:
        if not any(one.id == silence_id and one.stands(at) for one in known.silences):
            raise BadInput(f"{one_line(silence_id, 80)!r} is no silence that stands; see `darkroom alerts list`.")
        marked = {"lifted_by": one_line(by, _LONGEST_NAME), "lifted": at}
        return known.model_copy(
            update={
                "silences": tuple(
                    one.model_copy(update=marked) if one.id == silence_id else one for one in known.silences
                )
            }
        )

    after = ledger.update(store, keys.SILENCES, Silences, lifted)
    return next(one for one in after.silences if one.id == silence_id)


def every(store: Store) -> tuple[Silence, ...]:
    """Every silence that is remembered. Raises `BadInput` where the document is damaged, and `StoreError`."""
    return ledger.read(store, keys.SILENCES, Silences).silences


def silencing(message: Message, silences: Sequence[Silence], now: datetime | None = None) -> tuple[Silence, ...]:
    """The silences by which a message is not sent; none where it is to be heard for any of its kinds."""
    at = now or datetime.now(UTC)
    standing = [one for one in silences if one.stands(at)]
    found = [next((one for one in standing if one.covers(message.dag_id, kind)), None) for kind in message.kinds]
    heard = None in found
    return () if heard else tuple({one.id: one for one in found if one}.values())
