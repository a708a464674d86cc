"""Failed runs that no later run has mended yet: by these a run that succeeds knows that all is fine again.

One document a DAG (`keys.unmended`), since what Airflow runs may ask neither its database nor its API for other runs.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from darkroom import keys, ledger
from darkroom.jobs import Document, Mode
from darkroom.store import Store

_MOST = 500
_UNTOLD = frozenset({"approval"})
"""Params that say nothing of what a run does, only whether a person is asked."""


class Asked(BaseModel):
    """What a run was asked to do, to compare it with another's.

    `narrowed` are the Params that differ from their defaults, which mean everything, each as a digest of its value.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_id: str
    narrowed: dict[str, str] = Field(default_factory=dict)
    backfill: bool = False


class FailedRun(BaseModel):
    """A run that failed, and when."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asked: Asked
    when: datetime


class FailedRuns(Document):
    """The failed runs of a DAG, the first first."""

    runs: tuple[FailedRun, ...] = ()
    damaged: bool = False


def narrowed(params: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, str]:
    """What of a run's Params narrows it. Mode `all` does what `changed` does, and more; `plan` does nothing.

    >>> narrowed({"mode": "all", "pairs": [], "prefix": ""}, {"mode": "changed", "pairs": [], "prefix": ""})
    {}
    >>> list(narrowed({"mode": "plan", "pairs": ["maps"]}, {"mode": "changed", "pairs": []}))
    ['mode', 'pairs']
    """
    found = {}
    for name, value in params.items():
        if name in _UNTOLD or value == defaults.get(name) or (name == "mode" and value == Mode.ALL):
            continue
        canonical = json.dumps(value, sort_keys=True, default=str)
        found[name] = hashlib.sha256(canonical.encode(errors="surrogateescape")).hexdigest()[:16]
    return found


def mends(later: Asked, earlier: Asked) -> bool:
    """Does a run that succeeded say that what another one failed at is done?

    | the runs | mends |
    | --- | --- |
    | are one, which was cleared | yes |
    | either is of a backfill | no: it is about an interval |
    | the later one is narrowed by what the earlier one is not, or otherwise | no |
    | else | yes |
    """
    if later.run_id == earlier.run_id:
        return True
    if later.backfill or earlier.backfill:
        return False
    return all(earlier.narrowed.get(name) == value for name, value in later.narrowed.items())


def note(store: Store, dag_id: str, asked: Asked, when: datetime) -> tuple[FailedRun, ...]:
    """Note that a run failed; returns the runs of the same that failed before. Raises `StoreError`."""
    new = FailedRun(asked=asked, when=when)

    def added(known: FailedRuns) -> FailedRuns:
        others = [one for one in known.runs if one.asked.run_id != asked.run_id]
        return FailedRuns(runs=(*others, new)[-_MOST:])

    after = ledger.update(store, keys.unmended(dag_id), FailedRuns, added)
    return tuple(one for one in after.runs if one != new and one.asked.narrowed == asked.narrowed)


def mend(store: Store, dag_id: str, asked: Asked) -> tuple[FailedRun, ...]:
    """Forget the failed runs that a run has mended by succeeding, and return them. Raises `StoreError`."""
    key = keys.unmended(dag_id)
    mended = {one.asked.run_id: one for one in ledger.read(store, key, FailedRuns).runs if mends(asked, one.asked)}
    if not mended:
        return ()
    taken: list[FailedRun] = []

    def without(known: FailedRuns) -> FailedRuns:
        taken[:] = [one for one in known.runs if one.asked.run_id in mended]
        return FailedRuns(runs=tuple(one for one in known.runs if one.asked.run_id not in mended))

    ledger.update(store, key, FailedRuns, without)
    return tuple(taken)
