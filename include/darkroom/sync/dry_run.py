"""What a run did, or a dry run says that one would do, file by file: `report.json`, whose very plan can be run."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, Field

from darkroom.amounts import counted
from darkroom.errors import BadInput
from darkroom.flows import Draft
from darkroom.jobs import Document, NotDone, Outcome, Report, State, parse
from darkroom.sync.decision import Action
from darkroom.sync.job import SyncItem
from darkroom.sync.share import Part, items_of

_NAMED = 5
_TODO = (Action.UPLOAD, Action.COMPARE, Action.REPLACE, Action.REMOVE)


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
    def line(self) -> str:
        """As `SyncItem.line`."""
        return f"{self.action} {self.file} {self.version} {self.standing or '-'}"


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
    for one in refused:
        file = one.item.removeprefix(prefix)
        yield FileLine(file=file, action=Action.REFUSE, state=one.state, reason=one.reason)
    for key, etag in stale.items():
        yield FileLine(file=key, action=Action.REPORT, standing=etag, reason="gone from the folder")


def write_report(into: BinaryIO, head: SyncReport, files: Iterable[FileLine]) -> None:
    """Write the JSON, a file a line: of a million files it is as long, and never in memory."""
    text = json.dumps(head.model_dump(mode="json", exclude={"files"}), separators=(",", ":"))
    into.write(text.removesuffix("}").encode() + b',"files":[')
    for number, one in enumerate(files):
        into.write((b",\n" if number else b"\n") + _dumped(one))
    into.write(b"\n]}\n")


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


def require_same_plan(file: str, drafted: Draft[Part]) -> None:
    """Raise `BadInput` where a dry run said something else than what is to be done now."""
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise BadInput(
            f"--plan: {file}: {(error.strerror or str(error)).lower()}; name the report.json of a dry run."
        ) from None
    said = parse(SyncReport, data, f"--plan: {file}")
    promised = {one.line: one.file for one in said.files if one.action in _TODO}
    now = {item.line: item.key for item in items_of(drafted.todo)}
    others = sorted({promised.get(line) or now[line] for line in promised.keys() ^ now.keys()})
    if others:
        some = f"{', '.join(others[:_NAMED])}{', ...' if len(others) > _NAMED else ''}"
        raise BadInput(
            f"--plan: {file}: the folder or the bucket changed since that dry run, in {counted(len(others), 'file')} "
            f"({some}): nothing is done. Run dryrun again, and look at what it says."
        )
