"""The plan of the ingest: what is to be done with each delivered file, style by style."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from darkroom import keys, ledger
from darkroom.amounts import counted
from darkroom.errors import BadInput, StoreError
from darkroom.figures import Figures
from darkroom.flows import Costed, Draft, Run
from darkroom.guards import MORE_THAN_MAY, NOTHING_IS_DONE
from darkroom.ingest.decision import Action, asks_for_changes, decide, is_being_written, is_passed_over
from darkroom.ingest.job import (
    Cursor,
    Deliveries,
    IngestEntry,
    IngestItem,
    IngestJob,
    IngestLedger,
    Looked,
    group_of,
    item_name,
)
from darkroom.ingest.profiles import recipe_digest
from darkroom.ingest.request import Delivery, Request
from darkroom.ingest.sources import Found, Source, now, open_source, shown
from darkroom.ingest.view import View, Wanted, clashes, proxies_of, wanted_proxies, wrong_path
from darkroom.jobs import Mode, NotDone, State
from darkroom.ownership import Unsettled
from darkroom.parts import each_planned
from darkroom.settings import settings
from darkroom.standing import Standing, look
from darkroom.store import Entry, Store, open_store
from darkroom.styles.style import Style
from darkroom.styles.style_file import read_style
from darkroom.unsettled import unsettled

NAME = "ingest"

_ALL = 100  # percent


@dataclass
class Share:
    """A style's part of a draft: it counts only when all of it could be planned."""

    style: str
    looked: Looked
    todo: list[IngestItem] = field(default_factory=list)
    refused: list[NotDone] = field(default_factory=list)
    left: int = 0
    findings: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def refuse(self, path: str, reason: str) -> None:
        """Note a file that is not taken. The cursor waits for it."""
        name, group = item_name(self.style, path), group_of(self.style, Action.REFUSE)
        self.refused.append(NotDone(item=name, group=group, state=State.REFUSED, reason=reason))

    def hold(self) -> None:
        """Something of what the source told is not done: it has to tell it again."""
        self.looked = self.looked.model_copy(update={"held": True})


def draft(request: Request, run: Run) -> Draft[IngestItem]:
    """What a request wants delivered. A style that cannot be planned does not stop the others.

    Raises `BadInput` where none can be, and `Unavailable` where that may pass.
    """
    names = [delivery.style for delivery in request.styles]
    store = open_store(request.store, run.access)
    interval = ""
    if request.since and request.until:
        interval = f" · {request.since:%Y-%m-%d %H:%M} to {request.until:%Y-%m-%d %H:%M} UTC"
    drafted: Draft[IngestItem] = Draft(
        title=f"Ingest · {_named(names)}{interval}",
        output_store=store.uri,
        stores=(request.source,) if request.source else (),
        label=_label,
        job=lambda head, items: _job(request, head, items),
        findings=list(request.said),
        prefixes=tuple(prefix for name in names for prefix in (keys.raw_renders(name), keys.proxies(name))),
    )
    problems, deliveries = list(request.problems), dict[str, Looked]()
    left = cache(partial(unsettled, store, NAME, store.uri))

    def planned(delivery: Delivery) -> Share:
        return _Planning(request, delivery, run, store, left).share()

    for share in each_planned(request.styles, planned, problems):
        _add(drafted, share, run.figures)
        problems += share.problems
        deliveries[share.style] = share.looked
    drafted.problems = problems
    drafted.documents = {keys.DELIVERIES: Deliveries(styles=deliveries)}
    return drafted


def _named(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 3 else f"{len(names)} styles"


def _job(request: Request, head: Mapping[str, Any], items: Sequence[IngestItem]) -> IngestJob:
    style = items[0].name.removesuffix(f"/{items[0].found.path}")
    return IngestJob(**head, style=style, source=request.source, items=tuple(items))


def _label(items: Sequence[IngestItem]) -> str:
    return f"{items[0].name.removesuffix(f'/{items[0].found.path}')}: {counted(len(items), 'file')}"


def _add(drafted: Draft[IngestItem], share: Share, figures: Figures) -> None:
    drafted.planned.update(item.group for item in share.todo)
    drafted.planned.update(one.group for one in share.refused)
    if share.left:
        unchanged = group_of(share.style, Action.LEAVE)
        drafted.planned[unchanged] += share.left
        drafted.skipped[unchanged] += share.left
    drafted.refused += share.refused
    drafted.todo += [
        Costed(item, figures.deliver + item.found.bytes * figures.move, apart=share.style) for item in share.todo
    ]
    drafted.findings += [f"{share.style}: {said}" for said in share.findings]


class _Planning:
    """One style: its source's listing, the ledgers, and what stands in the studio's store."""

    def __init__(
        self, request: Request, delivery: Delivery, run: Run, store: Store, left: Callable[[], Unsettled]
    ) -> None:
        self._request, self._delivery, self._run = request, delivery, run
        self._mode, self._store = request.mode, store
        self._style: Style = read_style(delivery.style_file)
        self._raw_prefix = keys.raw_renders(delivery.style)
        self._share = Share(delivery.style, Looked(style_file=delivery.style_file))
        self._raws = {entry.key: entry for entry in store.list(self._raw_prefix)}
        self._standing = self._look(left)
        raws = {key: one for key, one in self._standing.known.items() if key.startswith(self._raw_prefix)}
        self._known = {key.removeprefix(self._raw_prefix): one for key, one in raws.items()}

    def _look(self, left: Callable[[], Unsettled]) -> Standing[IngestEntry]:
        store, style = self._store, self._delivery.style
        etags = {key: entry.etag for key, entry in self._raws.items()}
        etags |= {entry.key: entry.etag for entry in store.list(keys.proxies(style))}
        ledgers = [entry.key for entry in store.list(keys.ingest_ledgers(style)) if entry.key.endswith(".json")]
        return look(store, NAME, store, ledgers, etags, IngestLedger, left)

    def share(self) -> Share:
        """All of it."""
        if self._request.backfill:
            self._again()
        else:
            self._delivered(open_source(self._request.source, self._run.access))
        self._share.looked = self._share.looked.model_copy(update={"items": len(self._share.todo)})
        return self._share

    # what the source has

    def _delivered(self, source: Source) -> None:
        view = self._viewed(source)
        wanted = self._wanted(view.paths)
        reasons = clashes(view.paths) | {path: why for path in view.paths if (why := wrong_path(path))} | view.refused
        waiting, quiet, when = list[str](), settings().ingest_quiet if source.grows else 0, now()
        for path in sorted(view.paths):
            found = view.files.get(path)
            action = decide(
                self._mode,
                writing=found is not None and is_being_written(path, found.age(when), quiet),
                clashes=path in reasons and path not in view.unchanged,
                raw=self._is_current(path, found, source),
                proxy=self._has_proxy(path, wanted),
            )
            if self._mode is Mode.ALL and item_name(self._delivery.style, path) in self._run.made:
                action = Action.LEAVE  # what an interrupted run has made
            if action is Action.WAIT:
                waiting.append(path)
            elif action is Action.REFUSE:
                self._share.refuse(path, reasons[path])
                self._share.hold()
            else:
                self._do(action, path, found, source, wanted)
        self._waiting(waiting)
        self._gone(view, wanted, young=any(view.files[path].age(when) < quiet for path in waiting))

    def _viewed(self, source: Source) -> View:
        """Everything that is there, by the folders of the style. Raises `BadInput` where that cannot be."""
        before = ledger.read(self._store, keys.ingest_cursor(self._delivery.style), Cursor)
        whole = all(self._standing.is_whole(self._raw_prefix + path) for path in self._known)
        only_changes = asks_for_changes(
            self._mode,
            known=bool(before.folders),
            same=before.source == self._request.source and self._are_from(source),
            whole=whole and not self._standing.targets.damaged,
        )
        view, cursors, missing = View(), dict[str, str](), list[str]()
        for folder in _outermost(self._delivery.folders):
            listing = source.look(folder, before.folders.get(folder, "") if only_changes else "")
            if listing.missing:
                missing.append(folder)
                continue
            if listing.cursor:
                cursors[folder] = listing.cursor
            listing.files = [file for file in listing.files if not is_passed_over(file.path)]
            view.add(folder, listing, self._known, folds=source.folds)
        self._require_some(view, missing)
        after = Cursor(source=self._request.source, folders=cursors)
        self._share.looked = self._share.looked.model_copy(update={"before": before, "after": after})
        return view

    def _are_from(self, source: Source) -> bool:
        """Was every raw render that the ledgers know delivered there?"""
        return all(entry.source == source.uri_of(path) for path, entry in self._known.items())

    def _require_some(self, view: View, missing: Sequence[str]) -> None:
        """Say which folders have nothing.

        Raises `BadInput` where that is all of them: of the one style that is asked for, or of one that had renders.
        """
        places = ", ".join(shown(f"{self._request.source.rstrip('/')}/{folder}".rstrip("/")) for folder in missing)
        if view.paths or not missing:
            if missing:
                self._share.findings.append(f"nothing lies in {places}.")
            if view.paths or not self._known:
                return
        if self._known:
            if self._request.guards.percent == _ALL:  # whoever allows all to be removed means it
                return
            raise BadInput(
                f"{places or shown(self._request.source)}: it lists nothing, though "
                f"{counted(len(self._known), 'file')} are known from it{NOTHING_IS_DONE} See whether it is the right "
                "place, and mounted; where it was really emptied, allow it with --max-delete 100%."
            )
        if self._request.named and len(self._request.styles) == 1:
            raise BadInput(f"{places}: nothing lies there; correct the place, or deliver the renders.")
        self._share.findings.append(f"nothing is delivered yet: {places}.")

    def _is_current(self, path: str, found: Found | None, source: Source) -> bool:
        """Does its raw render stand, of this very version?"""
        known = self._known.get(path)
        if found is None:  # the source told of no change
            return known is not None
        same = known is not None and (known.source, known.version) == (source.uri_of(path), found.version)
        return same and self._standing.is_whole(self._raw_prefix + path)

    def _has_proxy(self, path: str, wanted: Wanted) -> bool:
        """Does the proxy stand of what the ledgers know of its raw render, or is none wanted?"""
        key, known = wanted.proxies.get(path), self._known.get(path)
        if key is None or known is None:
            return key is None
        recipe = recipe_digest(known.recipe)
        if known.unfit and known.tried == recipe:
            return True
        return self._standing.is_current(Mode.CHANGED, key, recipe)

    def _do(self, action: Action, path: str, found: Found | None, source: Source, wanted: Wanted) -> None:
        known, raw = self._known.get(path), self._raw_prefix + path
        if action is Action.LEAVE:
            self._share.left += 1
            if known and known.unfit:
                self._share.findings.append(f"{path}: no proxy: {known.unfit}.")
            return
        if action is Action.DELIVER and found:
            uri = f"{source.uri_of(path)}#{found.version}"
            self._make(action, path, found, uri, wanted)
        elif known:
            self._make(Action.PROXY, path, _raw(self._raws[raw], path), f"{known.source}#{known.version}", wanted)

    def _make(self, action: Action, path: str, found: Found, source: str, wanted: Wanted) -> None:
        raw, proxy = self._raw_prefix + path, wanted.proxies.get(path, "")
        try:
            self._store.uri_of(raw)
        except StoreError as error:  # a name that it cannot hold
            self._share.refuse(path, str(error).rstrip("."))
            self._share.hold()
            return
        standing, trusted = self._standing, self._mode is not Mode.ALL and not self._request.backfill
        known, known_proxy = standing.known.get(raw), standing.known.get(proxy)
        self._share.todo.append(
            IngestItem(
                name=item_name(self._delivery.style, path),
                group=group_of(self._delivery.style, action),
                action=action,
                found=found,
                source=source,
                raw=raw,
                proxy=proxy,
                replaces_raw=standing.replaceable(raw) or "",
                replaces_proxy=(standing.replaceable(proxy) or "") if proxy else "",
                stands=known.recipe if trusted and known and standing.is_whole(raw) else "",
                stands_proxy=known_proxy.recipe if trusted and known_proxy and standing.is_whole(proxy) else "",
            )
        )

    def _wanted(self, paths: set[str]) -> Wanted:
        folders = self._style.source_folders or self._delivery.folders
        wanted = wanted_proxies(self._style, {path for path in paths if not is_passed_over(path)}, folders)
        self._share.findings += wanted.findings
        return wanted

    def _waiting(self, paths: Sequence[str]) -> None:
        if not paths:
            return
        self._share.hold()
        some = f"{', '.join(paths[:3])}{', ...' if len(paths) > 3 else ''}"
        files = counted(len(paths), "file")
        self._share.findings.append(f"{files} may still be being written, and wait for the next run: {some}.")

    def _gone(self, view: View, wanted: Wanted, *, young: bool) -> None:
        """What the ledgers know and the source has no more: settle sets it aside, as far as the guards allow.

        It stays for now where a `young` file waits, which may be the same one under its new name.
        """
        gone = {path: entry for path, entry in self._known.items() if path not in view.paths}
        lost = max(0, len(self._known) - len(view.paths))
        if lost > self._request.guards.most(len(self._known)):
            self._share.problems.append(
                f"{self._delivery.style}: {counted(len(gone), 'file')} of {len(self._known):,} are gone from the "
                f"source, {MORE_THAN_MAY}: nothing is. See whether it is whole; if so, give "
                "--max-delete."
            )
            self._share.hold()
            return
        proxies = keys.proxies(self._delivery.style)
        known = {key: one for key, one in self._standing.known.items() if key.startswith(proxies)}
        unwanted = {key: known[key].etag for key in proxies_of(known, wanted.proxies.values())}
        if gone:
            some = f"{', '.join(sorted(gone)[:3])}{', ...' if len(gone) > 3 else ''}"
            stays = "; set aside when no new file waits" if young else ""
            self._share.findings.append(f"{counted(len(gone), 'file')} gone from the source: {some}{stays}.")
        if young:
            return
        kept = {self._raw_prefix + path: entry for path, entry in gone.items()}
        self._share.looked = self._share.looked.model_copy(update={"gone": kept, "unwanted": unwanted})

    # a backfill

    def _again(self) -> None:
        """The raw renders that were delivered in the interval, their proxies made again. Nothing else."""
        since, until = self._request.since, self._request.until
        assert since
        assert until
        paths = {key.removeprefix(self._raw_prefix): entry for key, entry in self._raws.items()}
        wanted = self._wanted(set(paths))
        for path, entry in sorted(paths.items()):
            if path not in wanted.proxies or not since <= entry.modified < until:
                continue
            if item_name(self._delivery.style, path) in self._run.made:
                self._share.left += 1
                continue
            known = self._known.get(path)
            source = f"{known.source}#{known.version}" if known and known.etag == entry.etag else ""
            self._make(Action.PROXY, path, _raw(entry, path), source, wanted)


def _raw(entry: Entry, path: str) -> Found:
    """A raw render as what is read; `path` stays the delivered one."""
    return Found(path, entry.etag, entry.bytes, entry.modified, entry.changed, entry.hashes)


def _outermost(folders: Sequence[str]) -> list[str]:
    """The folders that lie in none of the others: what those list is listed with them.

    >>> _outermost(["a/b", "a", "c"])
    ['a', 'c']
    """

    def is_inside(folder: str) -> bool:
        return any(folder != other and (not other or folder.startswith(f"{other}/")) for other in folders)

    return [folder for folder in folders if not is_inside(folder)]
