"""What a run did, or a dry run says that one would do, file by file: `report.json`, whose very plan can be run."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, Field

from darkroom.jobs import Document, NotDone, Outcome, Report, State
from darkroom.sync.decision import Action
from darkroom.sync.job import SyncItem

BEGINNING = b'{"schema_version":1,"source":'
"""What a report begins with; its first line goes up to `FILES`, and then each file has one."""
FILES = b',"files":['
END = b"]}"


_KINDS = {
    Action.UPLOAD: 0,
    Action.COMPARE: 0,
    Action.REPLACE: 0,
    Action.REMOVE: 1,
    Action.REFUSE: 2,
    Action.REPORT: 3,
}


class FileLine(BaseModel):
    """One file: what is to be done with it, and what became of it; `state` is empty where nothing has been done yet.

    `version` is the file's, `standing` the ETag of the object in the bucket, as they were when it was planned.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str
    action: Action
    bytes: int = 0
    version: str = ""
    standing: str = ""
    state: str = ""
    reason: str = ""

    @property
    def promise(self) -> tuple[str, ...]:
        """All that a dry run says of it, by which two plans are compared."""
        return self.action, self.file, self.version, self.standing, self.reason

    @property
    def order(self) -> tuple[int, str]:
        """By which a dry run's lines are in order."""
        return _KINDS[self.action], self.file


class SyncReport(Document):
    """The whole of it: the counts, and a line for each file but those that are unchanged."""

    source: str
    target: str
    report: Report
    files: tuple[FileLine, ...] = Field(default=())


def lines(
    items: Iterable[tuple[SyncItem, Outcome | None]], refused: Iterable[NotDone], stale: Mapping[str, str], prefix: str
) -> Iterator[FileLine]:
    """What is to be done and what was, file by file: items with their outcomes, and what else the plan says.

    `prefix` is what every item's name begins with.
    """
    for item, became in items:
        if became and became.state is State.REFUSED:  # by its content, as a dry run says it
            yield FileLine(file=item.key, action=Action.REFUSE, state=became.state, reason=became.reason)
            continue
        yield FileLine(
            file=item.key,
            action=item.action,
            bytes=item.bytes,
            version=item.version,
            standing=item.standing.etag if item.standing else "",
            state=became.state if became else "",
            reason=became.reason if became else "",
        )
    for one in sorted(refused, key=lambda one: one.item):
        file = one.item.removeprefix(prefix)
        yield FileLine(file=file, action=Action.REFUSE, state=one.state, reason=one.reason)
    for key, etag in stale.items():
        yield FileLine(file=key, action=Action.REPORT, standing=etag, reason="gone from the folder")


def write_report(into: BinaryIO, head: SyncReport, files: Iterable[FileLine]) -> None:
    """Write the JSON, a file a line: of a million files it is as long, and never in memory."""
    text = json.dumps(head.model_dump(mode="json", exclude={"files"}), separators=(",", ":"))
    into.write(text.removesuffix("}").encode() + FILES)
    for number, one in enumerate(files):
        into.write((b",\n" if number else b"\n") + _dumped(one))
    into.write(b"\n" + END + b"\n")


def _dumped(one: FileLine) -> bytes:
    said = {"file": one.file, "action": one.action.value}
    rest = {
        "bytes": one.bytes,
        "version": one.version,
        "standing": one.standing,
        "state": one.state,
        "reason": one.reason,
    }
    return json.dumps(said | {name: value for name, value in rest.items() if value}).encode()  # a name may be no UTF-8
