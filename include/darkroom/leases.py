"""Leases: who works on a style, a source, a pair of buckets now, so that two runs of it wait for each other.

A lease saves work and false failures; nothing wrong is written without one, since writes and settling are conditional.
"""

import logging
import os
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from darkroom import keys
from darkroom.errors import BadInput, Busy, Conflict, NotFound, StoreError
from darkroom.estimates import RENEWED
from darkroom.jobs import Document, dump, parse
from darkroom.store import Store, readable

log = logging.getLogger(__name__)

LASTS = timedelta(minutes=15)
"""From the last renewal on. A worker renews its plan's lease while it works; a run that waits longer loses it."""


class Lease(Document):
    """Who holds it, and until when. With a `host`, it ends with that machine's process."""

    holder: str
    until: datetime
    host: str = ""
    pid: int = 0

    def is_held(self, now: datetime) -> bool:
        """Does somebody still work by it?"""
        if now >= self.until:
            return False
        if self.host != socket.gethostname():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # somebody else's
        return True


@dataclass(frozen=True, slots=True)
class Holder:
    """A run that holds leases: in Airflow until it is settled, or, `here`, as long as this process lives."""

    name: str
    here: bool = False

    def lease(self, now: datetime) -> Lease:
        """Its lease from now on."""
        if not self.here:
            return Lease(holder=self.name, until=now + LASTS)
        return Lease(holder=self.name, until=now + LASTS, host=socket.gethostname(), pid=os.getpid())

    def holds(self, lease: Lease) -> bool:
        """Is a lease this run's own?"""
        return lease.holder == self.name and lease.pid == (os.getpid() if self.here else 0)


def check(store: Store, flow: str, subjects: Iterable[str], holder: Holder) -> None:
    """Raise `Busy` where another run has the lease of one of the subjects; nothing is written."""
    for subject in subjects:
        _require_free(store, keys.lease(flow, subject), subject, holder)


def take(store: Store, flow: str, subjects: Iterable[str], holder: Holder) -> None:
    """Take the leases of all subjects, or none. Raises `Busy`, which says who has one and how to go on."""
    taken: list[str] = []
    try:
        for subject in sorted(subjects):
            _take(store, keys.lease(flow, subject), subject, holder)
            taken.append(subject)
    except Busy:
        free(store, flow, taken, holder)
        raise


def free(store: Store, flow: str, subjects: Iterable[str], holder: Holder) -> None:
    """Give back what the holder has; what another took meanwhile stays."""
    for subject in subjects:
        key = keys.lease(flow, subject)
        with suppress(Conflict, NotFound):
            lease, etag = _read(store, key)
            if lease and holder.holds(lease):
                store.delete(key, if_match=etag)


@contextmanager
def kept(store: Store, flow: str, subjects: Iterable[str], holder: Holder) -> Iterator[None]:
    """Renew the leases while something works by them; where another run took one, only say so."""
    subjects = tuple(subjects)
    stop = threading.Event()

    def renew() -> None:
        while True:
            try:
                take(store, flow, subjects, holder)
            except Busy as busy:
                log.warning("%s What is made here is checked all the same.", busy)
                return
            except StoreError as error:
                log.warning("The lease cannot be renewed: %s", error)
            if stop.wait(RENEWED):
                return

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _take(store: Store, key: str, subject: str, holder: Holder) -> None:
    while True:
        etag = _require_free(store, key, subject, holder)
        with suppress(Conflict):
            data = dump(holder.lease(datetime.now(UTC)))
            store.write(key, data, content_type="application/json", if_absent=not etag, if_match=etag or None)
            return


def _require_free(store: Store, key: str, subject: str, holder: Holder) -> str:
    """The ETag of the lease that may be replaced, empty where there is none. Raises `Busy`."""
    lease, etag = _read(store, key)
    if lease and not holder.holds(lease) and lease.is_held(datetime.now(UTC)):
        raise Busy(
            f"{subject}: {lease.holder} is at work on it (until {lease.until:%Y-%m-%d %H:%M} UTC, or longer); "
            f"wait for its end. If nothing of it runs any more, delete {readable(store.uri_of(key))}."
        )
    return etag


def _read(store: Store, key: str) -> tuple[Lease | None, str]:
    """A lease, and the ETag of what stands there; a damaged one is nobody's."""
    try:
        with store.open(key) as reading:
            data, etag = reading.stream.read(), reading.entry.etag
    except NotFound:
        return None, ""
    try:
        return parse(Lease, data, readable(store.uri_of(key))), etag
    except BadInput:
        return None, etag
