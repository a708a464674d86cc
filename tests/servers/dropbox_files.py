"""What lies in the fake Dropbox: files with their revisions, a journal of every change, and cursors into it."""

import itertools
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from dropbox.content_hash import content_hash


@dataclass(slots=True)
class Node:
    """What stands at a path: a file with a revision, or a folder without one. `extra` goes into its metadata."""

    path: str
    rev: str = ""
    content: bytes = b""
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))
    extra: dict[str, Any] = field(default_factory=dict)
    removed: bool = False
    mounted: bool = True

    def metadata(self, home: str = "") -> dict[str, Any]:
        """As the API says it, seen from below `home`."""
        path = self.path[len(home) :]
        known: dict[str, Any] = {"name": path.rpartition("/")[2]}
        if self.mounted:
            known |= {"path_lower": path.lower(), "path_display": path}
        if self.removed:
            return {".tag": "deleted", **known}
        known["id"] = f"id:{self.path.lower().encode().hex()[-40:]}"
        if not self.rev:
            return {".tag": "folder", **known, **self.extra}
        time = self.modified.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        known |= {"rev": self.rev, "size": len(self.content), "content_hash": content_hash(self.content)}
        return {".tag": "file", **known, "client_modified": time, "server_modified": time, **self.extra}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a listing is: what is still to be told of its first state, and the journal's number behind it."""

    folder: str
    limit: int
    since: int
    waiting: tuple[Node, ...] = ()


class Files:
    """The files by their paths in lower case. Not thread-safe by itself."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self.revisions: dict[str, Node] = {}
        self._journal: list[Node] = []
        self._cursors: dict[str, Cursor | None] = {}
        self._revs = itertools.count(0x5F0000001)

    def put(self, path: str, content: bytes, modified: datetime | None = None, **extra: object) -> str:
        """A file, new or over another; returns its revision."""
        self._make_parents(path)
        node = Node(path, f"{next(self._revs):09x}", content, modified or datetime.now(UTC), dict(extra))
        self.revisions[node.rev] = node
        self._note(node)
        return node.rev

    def make_folder(self, path: str, **extra: object) -> None:
        self._make_parents(path)
        self._note(Node(path, extra=dict(extra)))

    def remove(self, path: str) -> None:
        """A file, or a folder with all in it, which the journal notes as one."""
        for lower in [one for one in self.nodes if self.is_in(one, path)]:
            node = self.nodes.pop(lower)
            if lower == path.lower():
                self._journal.append(Node(node.path, removed=True))

    def rename(self, old: str, new: str) -> None:
        """A file, or a folder with all in it; contents and times stay."""
        moved = [node for lower, node in self.nodes.items() if self.is_in(lower, old)]
        self.remove(old)
        for node in moved:
            path = new + node.path[len(old) :]
            if node.rev:
                self.put(path, node.content, node.modified, **node.extra)
            else:
                self.make_folder(path, **node.extra)

    def start(self, folder: str, limit: int, recursive: bool, mounted: bool) -> Cursor:
        inside = [
            node
            for lower, node in sorted(self.nodes.items())
            if self.is_in(lower, folder)
            and (recursive or lower.count("/") == folder.count("/") + 1)
            and (mounted or not self._is_shared(lower))
        ]
        return Cursor(folder, limit, len(self._journal), tuple(inside))

    def page(self, cursor: Cursor) -> tuple[list[Node], Cursor, bool]:
        """Some entries, the cursor behind them, and whether there are more."""
        waiting = cursor.waiting
        since = cursor.since
        if not waiting:
            latest = {
                node.path.lower(): node
                for node in self._journal[since:]
                if self.is_in(node.path.lower(), cursor.folder)
            }
            waiting, since = tuple(latest.values()), len(self._journal)
        rest = Cursor(cursor.folder, cursor.limit, since, waiting[cursor.limit :])
        return list(waiting[: cursor.limit]), rest, bool(rest.waiting)

    def _since(self, cursor: Cursor) -> tuple[Node, ...]:
        """What became of each path since a cursor, in the order of the last changes."""
        latest: dict[str, Node] = {}
        for node in self._journal[cursor.since :]:
            lower = node.path.lower()
            if self.is_in(lower, cursor.folder) and (node.removed or self.nodes.get(lower) is node):
                latest.pop(lower, None)
                latest[lower] = node
        return tuple(latest.values())

    def has_more(self, cursor: Cursor) -> bool:
        return bool(self.page(cursor)[0])

    def named(self, cursor: Cursor) -> str:
        """A cursor's name, which stays good until `reset`."""
        name = "AA" + secrets.token_urlsafe(60)
        self._cursors[name] = cursor
        return name

    def cursor(self, name: str) -> Cursor | None:
        """By its name; None where it was reset. Raises `KeyError` where there never was one."""
        return self._cursors[name]

    def reset(self) -> None:
        """From now on no cursor that was given out is good."""
        self._cursors = dict.fromkeys(self._cursors)

    @staticmethod
    def is_in(lower: str, folder: str) -> bool:
        """Is it the folder, or in it?"""
        return lower == folder.lower() or lower.startswith(f"{folder.lower()}/")

    def _is_shared(self, lower: str) -> bool:
        parts = lower.split("/")
        above = ("/".join(parts[:depth]) for depth in range(2, len(parts) + 1))
        return any("shared_folder_id" in self.nodes[one].extra.get("sharing_info", {}) for one in above)

    def _make_parents(self, path: str) -> None:
        parts = path.split("/")[1:-1]
        for depth in range(len(parts)):
            parent = "/" + "/".join(parts[: depth + 1])
            if parent.lower() not in self.nodes:
                self._note(Node(parent))

    def _note(self, node: Node) -> None:
        self.nodes[node.path.lower()] = node
        self._journal.append(node)
