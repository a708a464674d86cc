"""A profile's part of a draft: it counts only when all of it could be planned."""

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, cast

from darkroom.approvals import Asked
from darkroom.figures import Figures
from darkroom.flows import Costed
from darkroom.jobs import NotDone, State, dump, parse
from darkroom.store import Entry
from darkroom.sync.decision import WORDS, Action
from darkroom.sync.job import SyncItem, group_of, item_name
from darkroom.sync.profiles import Profile

_IN_MEMORY = 4 << 20  # bytes of a list of files; longer ones go to a temporary file
PART, _LONG = 10_000, 100.0
"""A part has no more items, and takes no more seconds of one core but where one item does: it is a job.

A worker holds all of a job, and what became of it, in memory: 4.5 KB an item.
"""
_LINES = 100  # that are read at once


def spool() -> BinaryIO:
    """A text that is long where there are many files."""
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(_IN_MEMORY))


def names_in(text: BinaryIO) -> Iterator[str]:
    """The names of a list of accepted files."""
    text.seek(0)
    return names_of(text)


def names_of(lines: Iterable[bytes]) -> Iterator[str]:
    """The same of its lines."""
    return (json.loads(line.decode()) for line in lines)  # of bytes, it would look for their encoding each time


@dataclass(frozen=True, slots=True)
class Part:
    """Some of a profile's items, `count` of them, by where they lie in a list on disk: a plan may have a million."""

    profile: str
    text: BinaryIO
    at: int
    count: int

    def items(self) -> Iterator[SyncItem]:
        """They themselves."""
        at = self.at
        for first in range(0, self.count, _LINES):
            self.text.seek(at)
            lines = [self.text.readline() for _ in range(min(_LINES, self.count - first))]
            at = self.text.tell()  # others read in it meanwhile
            yield from (parse(SyncItem, line, self.profile) for line in lines)


def items_of(todo: Iterable[Costed[Part]]) -> Iterator[SyncItem]:
    """Every item of a draft."""
    return (item for one in todo for item in one.item.items())


@dataclass
class Share:
    """What is to be done with a profile's files.

    `accepted` are the names of those with nothing wrong, a JSON text a line, and `listed` the items of `todo`, each as
    its JSON on a line; `groups` counts these. `standing` counts the objects that the
    rules could have put there, `gone` are those whose file is gone. `misnamed` are the names of files that are refused
    for them (`patterns.folded`). `refused` and `todo` are counted in `planned`; `left` are as they should be.
    """

    profile: Profile
    figures: Figures
    todo: list[Costed[Part]] = field(default_factory=list)
    groups: Counter[str] = field(default_factory=Counter)
    listed: BinaryIO = field(default_factory=spool)
    refused: list[NotDone] = field(default_factory=list)
    gone: list[Entry] = field(default_factory=list)
    misnamed: set[str] = field(default_factory=set)
    findings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    stale: dict[str, str] = field(default_factory=dict)
    asked: Asked | None = None
    accepted: BinaryIO = field(default_factory=spool)
    files: int = 0
    standing: int = 0
    left: int = 0

    def name(self, key: str) -> str:
        """How a file is called in the plan."""
        return item_name(self.profile.name, key)

    def accept(self, name: str) -> None:
        """Note a file with which nothing is wrong."""
        self.files += 1
        self.accepted.write(json.dumps(name).encode() + b"\n")

    def names(self) -> Iterator[str]:
        """The names of those."""
        return names_in(self.accepted)

    def make(self, item: SyncItem) -> None:
        """Note what is to be done."""
        self.groups[item.group] += 1
        seconds = self.figures.write + item.bytes * self.figures.move
        last = self.todo[-1] if self.todo else None
        if last and last.count < PART and last.seconds + seconds <= _LONG:
            at, count, seconds = last.item.at, last.count + 1, last.seconds + seconds
            self.todo.pop()
        else:
            at, count = self.listed.tell(), 1
        self.listed.write(dump(item) + b"\n")
        name = self.profile.name
        self.todo.append(Costed(Part(name, self.listed, at, count), seconds, count=count, apart=name))

    def refuse(self, key: str, reason: str) -> None:
        """Note a file that is not taken."""
        group = group_of(self.profile.name, WORDS[Action.REFUSE])
        self.refused.append(NotDone(item=self.name(key), group=group, state=State.REFUSED, reason=reason))

    @property
    def planned(self) -> Counter[str]:
        """The items by group."""
        return self.skipped + self.groups + Counter(one.group for one in self.refused)

    @property
    def skipped(self) -> Counter[str]:
        """Those that are as they should be."""
        return Counter({group_of(self.profile.name, WORDS[Action.LEAVE]): self.left})
