"""Images that fail night after night: counted by days, and set aside after some."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from darkroom import keys, ledger
from darkroom.errors import Conflict, NotFound
from darkroom.pyramids.job import FailedDays, FailedLedger, MarkerRef
from darkroom.store import Store

_MOST_DAYS = 31  # of each marker, that are kept
_FORGOTTEN = timedelta(days=90)  # without a failure: somebody has taken the marker away


@dataclass
class Counted:
    """What counting found: the ledger to be, and the markers whose days are over, with all of them."""

    ledger: FailedLedger
    over: dict[str, FailedDays] = field(default_factory=dict)


def count(
    known: FailedLedger, failed: Mapping[MarkerRef, str], settled: Collection[str], day: date, most: int
) -> Counted:
    """Add a day to each failed marker, with its reason, and forget those that were settled. Pure.

    A day counts once, however many runs fail on it, and another version of a marker begins anew.
    """
    markers = {
        key: days
        for key, days in known.markers.items()
        if key not in settled and date.fromisoformat(days.days[-1]) > day - _FORGOTTEN
    }
    over = {}
    for ref, reason in failed.items():
        before = markers.get(ref.key)
        days = set(before.days) if before and before.etag == ref.etag else set()
        now = FailedDays(etag=ref.etag, days=tuple(sorted({*days, day.isoformat()})[-_MOST_DAYS:]), reason=reason)
        markers[ref.key] = now
        if len(now.days) >= most:
            over[ref.key] = now
    return Counted(FailedLedger(markers=markers), over)


def settle_failures(
    store: Store, failed: Mapping[MarkerRef, str], settled: Collection[str], day: date, most: int
) -> list[str]:
    """Count a run's failures, and set the markers aside that failed on `most` days; returns these, a sentence each."""
    known = ledger.read(store, keys.FAILED_DAYS, FailedLedger)
    if not failed and not (known.markers.keys() & settled):
        return []
    over: dict[str, FailedDays] = {}

    def change(standing: FailedLedger) -> FailedLedger:
        counted = count(standing, failed, settled, day, most)
        over.clear()
        over.update(counted.over)
        return counted.ledger

    ledger.update(store, keys.FAILED_DAYS, FailedLedger, change)
    said = [_set_aside(store, key, days) for key, days in over.items()]
    if over:
        gone = set(over)
        ledger.update(
            store,
            keys.FAILED_DAYS,
            FailedLedger,
            lambda standing: FailedLedger(
                markers={key: days for key, days in standing.markers.items() if key not in gone}
            ),
        )
    return said


def _set_aside(store: Store, key: str, days: FailedDays) -> str:
    """Move a marker out of the way, with what was wrong; moved back, it is a marker again."""
    aside = keys.set_aside(key)
    try:
        store.write(aside, _with_reason(store.read(key), days), content_type="application/json", durable=True)
        store.delete(key, if_match=days.etag)
    except NotFound:
        return f"{key}: somebody took it away meanwhile."
    except Conflict:
        store.delete(aside)
        return f"{key}: it changed meanwhile, and stays."
    return f"{key}: set aside after {len(days.days)} days as {aside}: {days.reason}."


def _with_reason(data: bytes, days: FailedDays) -> bytes:
    said: dict[str, Any] = {"reason": days.reason, "failedOn": days.days}
    try:
        marker = json.loads(data)
    except ValueError:
        marker = None
    if not isinstance(marker, dict):  # it was no marker: its bytes are kept as they can be shown
        marker = {"content": data.decode(errors="backslashreplace")}
    return json.dumps(marker | said, indent=1).encode()
