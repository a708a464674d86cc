"""What a style has been delivered, as a source shows it beside what the ledgers know: pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from darkroom import keys
from darkroom.checks.renders import index_renders
from darkroom.flows import NO_TIME
from darkroom.ingest.sources import Found, Listing, folded, is_among
from darkroom.store import Entry
from darkroom.styles.names import is_text, parse_render, plain
from darkroom.styles.style import Style


@dataclass
class View:
    """Every path of a style that is there: `files` are those that the source told of now, the others are known.

    `refused` are those that cannot be taken, with the reason.
    """

    files: dict[str, Found] = field(default_factory=dict)
    unchanged: set[str] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def paths(self) -> set[str]:
        """All of them."""
        return {*self.files, *self.unchanged, *self.refused}

    def add(self, folder: str, listing: Listing, known: Collection[str], *, folds: bool) -> None:
        """Add a folder's listing; `known` are the paths that the ledgers know. `folds`: names are told apart by case.

        Of a source that folds case, a file whose name differs by it only is the known one under another name.
        """
        if not listing.whole:
            told = (*(file.path for file in listing.files), *listing.refused)
            others = {folded(path) for path in told} if folds else set(told)
            removed = {folded(path) for path in listing.removed}
            self.unchanged |= {
                path
                for path in known
                if (not folder or path.startswith(f"{folder}/"))
                and not is_among(path, removed)
                and (folded(path) if folds else path) not in others
            }
        self.files |= {file.path: file for file in listing.files}
        self.refused |= listing.refused


def clashes(paths: Iterable[str]) -> dict[str, str]:
    """Paths that differ by case or Unicode form only, each with the reason why it is refused.

    >>> sorted(clashes(["a/T1.png", "a/t1.png", "b/t1.png"]))
    ['a/T1.png', 'a/t1.png']
    """
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for path in paths:
        if is_text(path):
            alike[plain(path)].append(path)
    reasons = {}
    for same in alike.values():
        for path in same if len(same) > 1 else ():
            others = ", ".join(shown(other) for other in sorted(same) if other != path)
            reasons[path] = f"its name differs from {others} by case or Unicode form only; keep one of them"
    return reasons


def shown(path: str) -> str:
    r"""A path as a sentence has it: what is not ASCII as its code, where two would look the same.

    >>> shown("a/é.png"), shown("a/t1.png")
    ('a/\\xe9.png', 'a/t1.png')
    """
    return path if path.isascii() and path.isprintable() else ascii(path)[1:-1]


def wrong_path(path: str) -> str:
    """Why no raw render can have this path; empty where one can."""
    if not is_text(path):
        return "its name is no UTF-8; rename it"
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "its path has an empty part, or . or .. as one"
    return ""


@dataclass
class Wanted:
    """The proxies of a style: the key of each by its render's path. What is said of the others is in `findings`."""

    proxies: dict[str, str] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


def wanted_proxies(style: Style, paths: Collection[str], source_folders: Sequence[str]) -> Wanted:
    """Which of a style's paths have a proxy.

    Of each layer and colour it is the file of the first source folder that has it; none where two in one folder claim
    it, where the style ignores the code, or where no rule reads the name.
    """
    renders = {path: parse_render(path.rpartition("/")[2]) for path in paths}
    ignored = {plain(code) for code in style.ignored_customizations}
    index = index_renders((Entry(path, 0, "", NO_TIME) for path in renders), source_folders)
    wanted = Wanted()
    for claimed, entry in sorted(index.files.items()):
        read = renders[entry.key]
        assert read
        if read[0].code in ignored:
            continue
        if claimed in index.claims:
            files = " and ".join(index.claims[claimed])
            wanted.findings.append(f"{files} both claim {claimed[0]} in colour {claimed[1]:04d}: no proxy; remove one.")
            continue
        wanted.proxies[entry.key] = keys.proxy(style.style, read[0].code, entry.key.rpartition("/")[2])
    unread = sorted(path for path, read in renders.items() if read is None and is_text(path))
    if unread:
        some = _some(unread)
        wanted.findings.append(f"{len(unread):,} files are no renders by their names ({some}): they have no proxy.")
    if index.shadowed:
        some = _some(index.shadowed)
        wanted.findings.append(f"{len(index.shadowed):,} files are shadowed by an earlier source folder ({some}).")
    return wanted


def _some(paths: Sequence[str], most: int = 3) -> str:
    return f"{', '.join(paths[:most])}{', ...' if len(paths) > most else ''}"


def proxies_of(known: Mapping[str, object], wanted: Iterable[str]) -> list[str]:
    """Those of the known proxies that nothing wants any more."""
    return sorted(known.keys() - set(wanted))
