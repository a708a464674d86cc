"""The plan of an archive: what is to be mirrored of each pair, told from listings and ledgers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice
from typing import Any

from darkroom import keys, ledger
from darkroom.amounts import counted
from darkroom.archive.decision import NOT_REPLACED, REFUSED, WORDS, Action, decide
from darkroom.archive.job import (
    ArchiveEntry,
    ArchiveItem,
    ArchiveJob,
    ArchiveLedger,
    Original,
    PostItem,
    Standing,
    group_of,
)
from darkroom.archive.names import claimed_twice, target_key, target_prefix
from darkroom.archive.pairs import Pair, Removed
from darkroom.archive.posts import due_posts, post_of
from darkroom.archive.request import Request
from darkroom.errors import BadInput, StoreError
from darkroom.figures import Figures
from darkroom.flows import Costed, Draft, Run
from darkroom.guards import LET_NO_MORE, NOTHING_IS_DONE
from darkroom.jobs import Mode, NotDone, State
from darkroom.parts import each_planned
from darkroom.store import Entry, Store, open_store, readable
from darkroom.store.globs import chooser

_POST_MEMORY = 1 << 30
_NAMED = 5  # of many, in a sentence

Todo = tuple[ArchiveItem | PostItem, ...]
"""What is done together: a copy, with its thumbnail where it has one."""


@dataclass
class _Share:
    """A pair's part of a draft: it counts only when all of it could be planned."""

    pair: Pair
    figures: Figures
    todo: list[Costed[Todo]] = field(default_factory=list)
    left: int = 0
    refused: list[NotDone] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    stale: dict[str, str] = field(default_factory=dict)

    def make(self, item: ArchiveItem, size: int = 0) -> None:
        """Note what is to be done with an object, of which so many bytes are moved."""
        seconds = self.figures.archive + size * self.figures.move
        self.todo.append(Costed((item,), seconds, apart=self.pair.name))

    def refuse(self, key: str, reason: str) -> None:
        name = item_name(self.pair, key)
        self.refused.append(
            NotDone(item=name, group=group_of(self.pair.name, REFUSED), state=State.REFUSED, reason=reason)
        )


def item_name(pair: Pair, key: str) -> str:
    """How an object is called in plans and reports."""
    return f"{pair.name}/{key}"


def draft(request: Request, run: Run) -> Draft[Todo]:
    """What a request wants mirrored. A pair that cannot be planned does not stop the others.

    Raises `BadInput` where none can be, and `Unavailable` where that may pass.
    """
    names = [pair.name for pair in request.pairs]
    drafted: Draft[Todo] = Draft(
        title=f"Archive · {', '.join(names) or 'no pairs'}",
        output_store=open_store(request.pairs[0].target).uri if request.pairs else request.store,
        stores=tuple(place for pair in request.pairs for place in _stores(pair)),
        label=_label,
        job=lambda head, items: _job(request, head, items),
        findings=list(request.said),
    )
    if not (request.pairs or request.said or request.problems):
        drafted.findings.append("There is no pair to archive: put a YAML file into DARKROOM_PAIRS_DIR.")
    problems = list(request.problems)
    for share in each_planned(request.pairs, lambda pair: _planned(request, pair, run), problems):
        _add(drafted, share)
        problems += share.problems
    drafted.problems = problems
    return drafted


def _add(drafted: Draft[Todo], share: _Share) -> None:
    unchanged = group_of(share.pair.name, WORDS[Action.LEAVE])
    drafted.planned += Counter({unchanged: share.left})
    drafted.skipped += Counter({unchanged: share.left})
    drafted.planned.update(item.group for one in share.todo for item in one.item)
    drafted.planned.update(one.group for one in share.refused)
    drafted.todo += share.todo
    drafted.refused += share.refused
    drafted.findings += [f"{share.pair.name}: {said}" for said in share.findings]
    drafted.stale |= share.stale


@dataclass(frozen=True)
class _Sides:
    """A pair's two sides: the source's objects, what stands in the target, and what the ledgers know of that; by key.

    `ours` are the copies of what the pair is about now.
    """

    source: Store
    target: Store
    found: Mapping[str, Entry]
    stands: Mapping[str, Entry]
    known: Mapping[str, ArchiveEntry]
    ours: Mapping[str, ArchiveEntry]

    @cached_property
    def root(self) -> str:
        """What the URIs of the source's objects begin with."""
        return f"{self.source.uri}/"

    def key_of(self, entry: ArchiveEntry) -> str:
        """The key of the object that a copy is of."""
        return entry.source.removeprefix(self.root)


def _planned(request: Request, pair: Pair, run: Run) -> _Share:
    """One pair. Raises `BadInput` where a guard says that its source is not what it was."""
    store = open_store(request.store, run.access)
    if pair.archive:
        next(open_store(pair.archive, run.access).list(), None)  # if it cannot be reached, nothing is written
    share, sides = _Share(pair, run.figures), _looked(pair, store, run)
    if sides.ours and not sides.found:
        raise BadInput(
            f"{readable(sides.source.uri)} lists nothing, though {len(sides.ours):,} copies of its objects are known "
            f"in {readable(pair.target)}{NOTHING_IS_DONE} See whether it is the right bucket, with the right "
            "credentials and prefix; where it was really emptied, remove the pair."
        )
    if not sides.found:
        below = f" of {', '.join((*pair.prefix, *pair.files))}" if pair.prefix or pair.files else ""
        share.findings.append(
            f"{readable(sides.source.uri)} lists nothing{below}, so there is nothing to mirror; if there should be, "
            "see whether it is the right place."
        )
    clashing = claimed_twice(sides.found, pair.names)
    others = [(other, open_store(other.source)) for other in request.pairs if other.name != pair.name]
    for key, entry in sides.found.items():
        if rivals := clashing.get(target_key(key, pair.names)):
            names = ", ".join(rival for rival in rivals if rival != key)
            share.refuse(key, f"{names} would have the same copy, {target_key(key, pair.names)}")
        else:
            _decide(request.mode, share, sides, entry, others, run.made)
    _gone(request.mode, share, sides)
    if pair.wordpress:
        due = {key: post for key, post in due_posts(store, sides.target.uri).items() if key in sides.stands}
        due = {key: post for key, post in due.items() if post.source.startswith(sides.root)}
        share.todo = list(_with_posts(share, run, due))
    return share


def _looked(pair: Pair, store: Store, run: Run) -> _Sides:
    """List both sides and read the ledgers, all at the same time."""
    source, target = open_store(pair.source, run.access), open_store(pair.target, run.access)
    wanted, prefixes = chooser(pair.files), pair.prefix or ("",)
    with ThreadPoolExecutor(2, "listings") as pool:
        standing = pool.submit(_standing, target, {target_prefix(prefix, pair.names) for prefix in prefixes})
        ledgers = pool.submit(_known, store, target)
        listed = (entry for prefix in prefixes for entry in source.list(prefix))
        found = {entry.key: entry for entry in listed if wanted(entry.key)}
        stands, known = standing.result(), ledgers.result()
    roots = _roots(pair, source)
    ours = {key: entry for key, entry in known.items() if entry.source.startswith(roots)}
    return _Sides(source, target, found, stands, known, ours)


def _standing(target: Store, prefixes: Iterable[str]) -> dict[str, Entry]:
    found = (entry for prefix in prefixes for entry in target.list(prefix))
    return {entry.key: entry for entry in found}


def _known(store: Store, target: Store) -> dict[str, ArchiveEntry]:
    shards = [entry.key for entry in store.list(keys.copies_ledgers(target.uri)) if entry.key.endswith(".json")]
    with ThreadPoolExecutor(store.concurrency, "ledgers") as pool:
        read = pool.map(lambda key: ledger.read(store, key, ArchiveLedger), shards)
        return {key: entry for one in read for key, entry in one.outputs.items()}


def _roots(pair: Pair, source: Store) -> tuple[str, ...]:
    """What the URIs of the objects begin with that a pair is about now."""
    return tuple(f"{source.uri}/{prefix}" for prefix in pair.prefix or ("",))


def _decide(
    mode: Mode, share: _Share, sides: _Sides, entry: Entry, others: Sequence[tuple[Pair, Store]], made: Set[str]
) -> None:
    """Copy an object, compare, replace, prove or leave it; or refuse it."""
    key = target_key(entry.key, share.pair.names)
    stands, known = sides.stands.get(key), sides.known.get(key)
    if known and (stands is None or known.etag != stands.etag):
        known = None
    same = known is not None and is_same(entry, known, sides.source)
    action = decide(mode, in_source=True, stands=stands is not None, known=known is not None, same=same)
    # what an interrupted run proved is not proven again: if it is still that, of which the ledger knows by now
    if action is Action.LEAVE or (action is Action.PROVE and item_name(share.pair, entry.key) in made):
        share.left += 1
        return
    try:
        sides.target.uri_of(key)
    except StoreError as error:  # a name that it cannot hold
        share.refuse(entry.key, str(error).rstrip("."))
        return
    uri = sides.source.uri_of(entry.key)
    if known and known.source != uri and (other := _other_of(known, others)):
        share.refuse(entry.key, f"{readable(known.source)} of the pair {other} has the same copy, {key}")
        return
    if action is Action.REPLACE and not share.pair.archive:
        share.refuse(entry.key, NOT_REPLACED)
        return
    item = ArchiveItem(
        name=item_name(share.pair, entry.key),
        pair=share.pair.name,
        action=action,
        source=uri,
        target=key,
        original=Original.of(entry),
        standing=Standing(etag=stands.etag, bytes=stands.bytes, md5=known.recipe if known else "") if stands else None,
    )
    share.make(item, entry.bytes)


def _other_of(known: ArchiveEntry, others: Sequence[tuple[Pair, Store]]) -> str:
    """The name of the pair that a copy is of; empty where it is none of these."""
    return next((pair.name for pair, source in others if known.source.startswith(_roots(pair, source))), "")


def is_same(entry: Entry, known: ArchiveEntry, source: Store) -> bool:
    """Is an object what was copied? By its MD5; where the service has none of it (a composite one), by its version."""
    if entry.hashes.md5:
        return entry.hashes.md5 == known.recipe
    return (source.uri_of(entry.key), entry.version) == (known.source, known.version)


def _gone(mode: Mode, share: _Share, sides: _Sides) -> None:
    """The copies whose objects are gone: reported, or removed as far as the guards allow."""
    pair, chosen = share.pair, chooser(share.pair.files)
    gone = {
        key: entry
        for key, entry in sides.ours.items()
        if (object_key := sides.key_of(entry)) not in sides.found and chosen(object_key)
        if (standing := sides.stands.get(key)) and standing.etag == entry.etag
    }
    if not gone:
        return
    remove = pair.removed is Removed.REMOVE
    stand = sum(key in sides.stands for key in sides.ours)  # what somebody took away counts in no guard
    most = pair.guards.most(stand)
    some = f"{', '.join(islice(sorted(gone), _NAMED))}{', ...' if len(gone) > _NAMED else ''}"
    if remove and len(gone) > most:
        share.problems.append(
            f"{pair.name}: {counted(len(gone), 'object')} gone from the source, and {LET_NO_MORE} "
            f"{most} of {stand:,} copies be removed: none is ({some}). See whether the source is whole; if "
            "so, raise the guards."
        )
        remove = False
    for key, entry in gone.items():
        action = decide(mode, in_source=False, stands=True, known=True, same=False, remove=remove)
        if action is Action.REPORT:
            share.stale[key] = entry.etag
            continue
        item = ArchiveItem(
            name=item_name(pair, sides.key_of(entry)),
            pair=pair.name,
            action=action,
            source=entry.source,
            target=key,
            standing=Standing(etag=entry.etag, bytes=entry.bytes, md5=entry.recipe),
        )
        share.make(item)
    if not remove:
        said = f"{counted(len(gone), 'object')} gone from the source, of which the copies stay: {some}."
        share.findings.append(said)


def _with_posts(share: _Share, run: Run, due: Mapping[str, PostItem]) -> Iterator[Costed[Todo]]:
    """Each copy with its thumbnail, and then those that could not be posted before. None of what a run had posted."""
    copied: set[str] = set()
    for one in share.todo:
        (item,) = one.item
        assert isinstance(item, ArchiveItem)
        copied.add(item.target)
        post = post_of(item) if item.original else None
        if not post or post.name in run.made:
            yield one
        else:
            yield replace(one, item=(item, post), seconds=one.seconds + run.figures.post, memory=_POST_MEMORY, count=2)
    for target, post in due.items():
        if target not in copied and post.name not in run.made:
            yield Costed((post,), run.figures.post, _POST_MEMORY, apart=share.pair.name)


def _label(todo: Sequence[Todo]) -> str:
    items = [item for together in todo for item in together]
    posts = sum(isinstance(one, PostItem) for one in items)
    said = f"{items[0].pair}: {counted(len(items) - posts, 'object')}"
    return f"{said}, {counted(posts, 'thumbnail')}" if posts else said


def _job(request: Request, head: Mapping[str, Any], todo: Sequence[Todo]) -> ArchiveJob:
    """A job is of one pair: its output store is that pair's."""
    items = [item for together in todo for item in together]
    pair = next(pair for pair in request.pairs if pair.name == items[0].pair)
    posts = tuple(one for one in items if isinstance(one, PostItem))
    site = (pair.wordpress.location,) if pair.wordpress and posts else ()  # only who posts needs its password
    return ArchiveJob(
        **{**head, "output_store": open_store(pair.target).uri, "stores": (*_stores(pair), *site)},
        written=_stores(pair)[2:],
        pair=pair,
        items=tuple(one for one in items if isinstance(one, ArchiveItem)),
        posts=posts,
    )


def _stores(pair: Pair) -> tuple[str, ...]:
    """The URIs of a pair's source, target and archive."""
    return tuple(open_store(place).uri for place in pair.stores)
