"""The plan of a sync: what is to be done with each file of a folder, and with each object whose file is gone."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from darkroom import keys, ledger
from darkroom.approvals import Asked
from darkroom.aside import Aside
from darkroom.errors import StoreError
from darkroom.flows import Draft, Run
from darkroom.jobs import Mode
from darkroom.parts import each_planned
from darkroom.store import Entry, Store, open_store
from darkroom.store.globs import chooser
from darkroom.sync.cache import Cache
from darkroom.sync.decision import Action, There, decide, is_same
from darkroom.sync.folder import judge_of, require_folder
from darkroom.sync.guards import guard, joined
from darkroom.sync.job import Standing, SyncItem, SyncJob, SyncLedger
from darkroom.sync.look import Looked
from darkroom.sync.looks import Looks
from darkroom.sync.merge import Row, in_order, merged
from darkroom.sync.patterns import folded
from darkroom.sync.profiles import Profile
from darkroom.sync.promise import require_same_plan
from darkroom.sync.request import Request
from darkroom.sync.rules import Checker, rules_named
from darkroom.sync.scan import File, Passed, root_of, scan
from darkroom.sync.share import PART, Part, Share, spool

_AT_A_TIME = 2_000  # files of which those that nothing is known of are looked at
_QUICK = 1 << 20  # bytes of a file that is read in no more time than it takes to hand it to a worker and to tell of it
_MOST_FORGOTTEN = 10_000  # files that are gone, dropped from the cache at a time


def draft(request: Request, run: Run) -> Draft[Part]:
    """What a request wants uploaded and removed. A profile that cannot be planned does not stop the others.

    Raises `BadInput` where none can be, and `Unavailable` where that may pass.
    """
    names = [profile.name for profile in request.profiles]
    drafted: Draft[Part] = Draft(
        title=f"Sync · {', '.join(names) or 'no profiles'}",
        output_store=open_store(request.profiles[0].target).uri if request.profiles else request.store,
        stores=tuple(dict.fromkeys(place for profile in request.profiles for place in _stores(profile))),
        enough=PART * run.figures.write / 2,  # less than a whole part takes: it is a job, unless there are too many
        label=lambda parts: f"{parts[0].profile}: {sum(part.count for part in parts):,} files",
        job=lambda head, parts: _job(request, head, parts),
        findings=list(request.said),
        texts={keys.ACCEPTED: spool()},
    )
    if not (request.profiles or request.said or request.problems):
        drafted.findings.append("There is no profile to sync: `darkroom sync configure` makes one.")
    problems, asked = list(request.problems), dict[str, Asked]()
    for share in each_planned(request.profiles, lambda profile: planned(request, profile, run), problems):
        _add(drafted, share)
        problems += share.problems
        if share.asked:
            asked[share.profile.name] = share.asked
    drafted.problems = problems
    if asked:
        drafted.documents = {keys.ASKED: joined(asked)}
    if request.dry_run:
        require_same_plan(request.dry_run, drafted, request.profiles[0].name if request.profiles else "")
    return drafted


def _add(drafted: Draft[Part], share: Share) -> None:
    drafted.planned += share.planned
    drafted.skipped += share.skipped
    drafted.refused += share.refused
    drafted.todo += share.todo
    drafted.findings += [f"{share.profile.name}: {said}" for said in share.findings]
    drafted.stale |= share.stale
    share.accepted.seek(0)
    shutil.copyfileobj(share.accepted, drafted.texts[keys.ACCEPTED])


def planned(request: Request, profile: Profile, run: Run) -> Share:
    """One profile. Raises `BadInput` where its folder is not what it was."""
    return _Planning(request, profile, run).share()


class _Waits(NamedTuple):
    """A file that is decided about once those before it were looked at; `unknown`: only a look can tell."""

    file: File
    row: Row
    md5: str
    unknown: bool


class _Planning:
    """The folder, the cache of its hashes and the bucket, read side by side."""

    def __init__(self, request: Request, profile: Profile, run: Run) -> None:
        self._request, self._profile = request, profile
        self._target = open_store(profile.target, run.access)
        self._state = open_store(request.store, run.access)
        self._checker = Checker(rules_named(profile.rules))
        self._chosen = chooser((), profile.exclude) if profile.exclude else None
        self._aside = Aside(self._target)
        self._share = Share(profile, run.figures)
        self._unread = ""  # the folder that could not be read and whose objects are being passed
        self._ledger: Mapping[str, str] | None = None
        self._waiting: list[_Waits] = []
        self._begun: tuple[list[_Waits], Iterator[Looked]] = ([], iter(()))
        self._deep = request.mode is Mode.PLAN or bool(request.dry_run)

    def share(self) -> Share:
        """All of it."""
        cache = Cache.of(self._profile.source)
        try:
            with Looks(self._profile.source, self._checker, cache.note, self._profile.name) as looks:
                self._rows(cache, looks)
                self._look(looks)
                self._look(looks)  # what has begun is done once something else begins
        finally:
            cache.close()
        require_folder(self._share, self._state, self._target.uri)
        guard(self._share, self._request)
        return self._share

    def _rows(self, cache: Cache, looks: Looks) -> None:
        root = root_of(self._profile.source)
        known = cache.rows() if self._request.cached else iter(())
        gone: list[str] = []
        for row in merged(scan(root, judge_of(self._checker, self._chosen)), known, self._listed()):
            if row.found is None and row.stands is None:
                if len(gone) < _MOST_FORGOTTEN:
                    gone.append(row.key)
                continue
            if isinstance(row.found, Passed) and row.found.folder:
                self._unread = row.key
            if self._chosen is None or self._chosen(row.key):
                self._take(row)
            if len(self._waiting) >= _AT_A_TIME:
                self._look(looks)
        cache.forget(gone)

    def _listed(self) -> Iterator[Entry]:
        """The objects that the rules could have put there: all others are somebody else's."""
        for entry in in_order(self._target, self._checker.prefix):
            if self._checker.in_scope(entry.key) and not self._aside.holds(entry.key):
                yield entry

    def _take(self, row: Row) -> None:
        found = row.found
        if row.stands:
            self._share.standing += 1
        if found is None:
            self._gone(row)
        elif isinstance(found, Passed):
            self._share.refuse(found.key, found.reason)
        elif reason := self._wrong(found):
            self._share.refuse(found.key, reason)
            if found.reason:
                self._share.misnamed.add(folded(found.key))
        else:
            self._file(found, row)

    def _gone(self, row: Row) -> None:
        assert row.stands
        unread = bool(self._unread) and row.key.startswith(self._unread)
        action = decide(There.UNREAD if unread else There.NOTHING, stands=True, same=None, remove=self._request.remove)
        if action is Action.LEAVE:
            self._share.left += 1
        else:
            self._share.gone.append(row.stands)

    def _wrong(self, file: File) -> str:
        """Why a file is refused without being read; empty where it is not."""
        if file.reason:
            return file.reason
        if self._aside.holds(file.key):
            return f"{keys.REMOVED} is where what is removed goes; put it into another folder"
        if reason := self._checker.wrong_size(file.bytes):
            return reason
        try:
            self._target.uri_of(file.key)
        except StoreError as error:  # a name that it cannot hold
            return str(error).rstrip(".")
        return ""

    def _file(self, file: File, row: Row) -> None:
        known = row.known if row.known and row.known.version == file.version else None
        checked = not self._checker.needs_content or (known is not None and known.checked == self._checker.digest)
        if checked and known and known.reason and self._checker.needs_content:
            self._share.refuse(file.key, known.reason)
            return
        unknown = not (checked and (known or not row.stands or row.stands.bytes != file.bytes))
        if self._deep or (unknown and _may_be_same(file, row)):
            self._waiting.append(_Waits(file, row, known.md5 if known else "", unknown))
        else:
            self._decided(file, row, known.md5 if known else "", checked=checked)

    def _decided(self, file: File, row: Row, md5: str, *, checked: bool) -> None:
        stands = row.stands
        uploaded = self._known(row)
        same = is_same(file.bytes, md5, stands, uploaded) if stands else None
        if same and not checked:
            same = None  # what its bytes are was never looked at by these rules
        action = decide(There.FILE, stands=stands is not None, same=same, remove=self._request.remove)
        name = self._share.name(file.key)
        self._share.accept(name)
        if action is Action.LEAVE:
            self._share.left += 1
            return
        self._share.make(
            SyncItem(
                name=name,
                profile=self._profile.name,
                action=action,
                key=file.key,
                bytes=file.bytes,
                version=file.version,
                md5=md5,
                check=not checked,
                standing=Standing(etag=stands.etag, bytes=stands.bytes, md5=uploaded) if stands else None,
            )
        )

    def _known(self, row: Row) -> str:
        """The MD5 by which exactly the object that stands was uploaded, where its ETag does not say it."""
        if row.stands is None or (row.known and row.known.md5 == row.stands.etag):
            return ""
        if self._ledger is None:
            self._ledger = _ledgers(self._state, self._target)
        etag, _, md5 = self._ledger.get(row.key, "").partition(" ")
        return md5 if etag == row.stands.etag else ""

    def _look(self, looks: Looks) -> None:
        """Begin to look at those of the waiting files of which nothing is known, and decide about those before."""
        waiting, found = self._begun
        self._begun = self._waiting, looks.begin([one.file for one in self._waiting if one.unknown])
        self._waiting = []
        for one in waiting:
            seen = next(found) if one.unknown else Looked(one.md5)
            if seen.reason and (seen.md5 or self._deep):
                self._share.refuse(one.file.key, seen.reason)
            else:  # what could not be read now, a worker tries to
                self._decided(one.file, one.row, seen.md5, checked=bool(seen.md5) or not one.unknown)


def _may_be_same(file: File, row: Row) -> bool:
    """Is it quickly told from its bytes that it is what stands, and nothing has to be done with it?"""
    return row.stands is not None and row.stands.bytes == file.bytes <= _QUICK


def _ledgers(state: Store, target: Store) -> dict[str, str]:
    """ETag and MD5 of the objects whose ETag is no MD5, by key."""
    known: dict[str, str] = {}
    for entry in state.list(keys.synced_ledgers(target.uri)):
        if entry.key.endswith(".json"):
            outputs = ledger.read(state, entry.key, SyncLedger).outputs
            known |= {key: f"{one.etag} {one.recipe}" for key, one in outputs.items()}
    return known


def _stores(profile: Profile) -> tuple[str, ...]:
    """The URIs of a profile's target and of its bucket."""
    target = open_store(profile.target)
    return (target.uri,)


def _job(request: Request, head: Mapping[str, Any], parts: Sequence[Part]) -> SyncJob:
    profile = next(one for one in request.profiles if one.name == parts[0].profile)
    return SyncJob(
        **{**head, "output_store": open_store(profile.target).uri, "stores": _stores(profile)},
        written=_stores(profile),
        profile=profile,
        rules=rules_named(profile.rules),
        items=tuple(item for part in parts for item in part.items()),
    )
