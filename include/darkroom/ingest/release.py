"""After the ledgers: what is gone goes aside, the catalogue is written anew, and last of all the cursor moves on."""

from collections import Counter
from collections.abc import Mapping

from darkroom import keys, ledger
from darkroom.aside import Aside
from darkroom.catalogue.published import publish
from darkroom.checks.ingested import review
from darkroom.errors import BadInput, Conflict, DarkroomError, StoreError
from darkroom.flows import Released
from darkroom.ingest.job import UNFIT, Cursor, Deliveries, IngestEntry, IngestLedger, Looked, item_name
from darkroom.jobs import Manifest, NotDone, Outcome, State
from darkroom.plan_folder import JobOutcomes, PlanFolder
from darkroom.store import Store, readable
from darkroom.styles.style_file import read_style

_MOST_NOTES = 200


class IngestRelease:
    """Follows removals, writes the catalogues, moves the cursors."""

    def __init__(self, folder: PlanFolder, manifest: Manifest) -> None:
        self._folder, self._store = folder, folder.open(manifest.store)
        deliveries = folder.document(keys.DELIVERIES, Deliveries)
        self._styles: Mapping[str, Looked] = deliveries.styles if deliveries else {}
        self._good: Counter[str] = Counter()
        self._changed: set[str] = set()
        self._released = Released()

    def job(self, outcomes: JobOutcomes, unproven: Mapping[str, NotDone]) -> None:
        """Count what came to a good end, and note the styles of which something is new."""
        for name, outcome in outcomes.latest.items():
            style = self._style_of(name)
            if name in unproven:
                continue
            self._good[style] += is_settled(outcome)
            if is_news(outcome):
                self._changed.add(style)

    def _style_of(self, name: str) -> str:
        """The style of an item: of several that begin its name, the longest."""
        return max((style for style in self._styles if name.startswith(item_name(style, ""))), key=len, default="")

    def end(self) -> Released:
        """Set aside what is gone, write the catalogues, and then move the cursors."""
        for style, looked in self._styles.items():
            before = self._of_this_source(style, looked)
            whole = self._good[style] >= looked.items
            if whole and self._removed(style, looked):  # else it may be all that there is of a file with a new name
                self._changed.add(style)
            if style in self._changed:
                if not self._catalogued(style, looked):
                    continue
                self._checked(style, looked)
            if looked.after and not looked.held and whole:
                move_cursor(self._store, style, before, looked.after)
        self._released.news = sorted(self._changed)
        if len(notes := self._released.notes) > _MOST_NOTES:
            self._released.notes = [*notes[:_MOST_NOTES], f"... and {len(notes) - _MOST_NOTES} more of the kind."]
        return self._released

    def _of_this_source(self, style: str, looked: Looked) -> Cursor:
        """The cursor to move from. One of another source is dropped before anything of that source goes.

        Else, when renders come from there again, it would tell only of what changed since, and not of what went here.
        """
        before = looked.before
        if looked.after is None or looked.after.source == before.source or not before.folders:
            return before
        none = Cursor(source=looked.after.source)
        move_cursor(self._store, style, before, none)
        return none

    def _removed(self, style: str, looked: Looked) -> bool:
        """Set raw renders aside whose file is gone, and delete proxies that nothing wants; has anything gone?

        Only what the ledgers still know as the plan saw it: what a later run made has another entry, and stays.
        """
        known = self._known({*looked.gone, *looked.unwanted})
        gone = [key for key, entry in looked.gone.items() if known.get(key) == entry]
        unwanted = [key for key, etag in looked.unwanted.items() if key in known and known[key].etag == etag]
        aside = Aside(self._store)
        went = [key for key in gone if self._is_aside(aside, key, known[key])]
        went += [key for key in unwanted if self._is_deleted(key, known[key].etag)]
        by_ledger: dict[str, list[str]] = {}
        for key in went:
            by_ledger.setdefault(keys.ingest_ledger(key), []).append(key)
        for shard, those in by_ledger.items():
            ledger.update(self._store, shard, IngestLedger, lambda one, those=those: one.without(those))  # type: ignore[misc]
        self._released.pruned += went
        return bool(went)

    def _known(self, wanted: set[str]) -> dict[str, IngestEntry]:
        shards = {keys.ingest_ledger(key) for key in wanted}
        known: dict[str, IngestEntry] = {}
        for shard in shards:
            known |= ledger.read(self._store, shard, IngestLedger).outputs
        return known

    def _is_aside(self, aside: Aside, key: str, entry: IngestEntry) -> bool:
        """Is a raw render out of the way? What somebody else put there is not ours to move, and is forgotten."""
        stands = self._store.head(key)
        if stands is None or stands.etag != entry.etag:
            return True
        try:
            kept = aside.set_aside(stands)
            self._store.delete(key, if_match=stands.etag)
        except DarkroomError as error:
            self._released.problems.append(f"{key}: it is gone from its source and cannot be set aside: {error}")
            return False
        self._released.notes.append(f"{key} is gone from its source, and was set aside: {kept.key}.")
        return True

    def _is_deleted(self, key: str, etag: str) -> bool:
        try:
            self._store.delete(key, if_match=etag)
        except Conflict:
            return True  # another one stands there now, or none: not ours
        except StoreError as error:
            self._released.problems.append(f"{key}: nothing wants this proxy, and it cannot be deleted: {error}")
            return False
        return True

    def _catalogued(self, style: str, looked: Looked) -> bool:
        try:
            publish(self._store, read_style(looked.style_file))
        except (BadInput, StoreError) as error:
            self._released.problems += getattr(error, "problems", [f"{style}: its catalogue: {error}"])
            return False
        return True

    def _checked(self, style: str, looked: Looked) -> None:
        """Check what stands now, for the page of it; whatever comes of that, the renders are delivered."""
        key = keys.checks_html(style)
        try:
            found = review(
                self._store,
                read_style(looked.style_file),
                lambda html: self._folder.write(key, html, "text/html; charset=utf-8"),
            )
        except (BadInput, StoreError) as error:
            self._released.problems += getattr(error, "problems", [f"{style}: its checks: {error}"])
            return
        if not found.ok:
            self._released.notes.append(f"{found.sentence.rstrip('.')}: {readable(self._folder.uri_of(key))}.")


def is_settled(outcome: Outcome) -> bool:
    """Has an item come to an end that no later look at its source changes?

    | state | kind | raw render | |
    | --- | --- | --- | --- |
    | done, skipped | | | yes |
    | refused | decode | stands | yes: it can have no proxy, whatever is tried |
    | refused | any other | | no |
    | failed | | | no |
    """
    if outcome.state.is_good:
        return True
    return outcome.state is State.REFUSED and outcome.kind == UNFIT and bool(outcome.outputs)


def is_news(outcome: Outcome) -> bool:
    """Does something stand by an item that no catalogue, check or picture knows of yet?

    Also what was only adopted: a worker that was killed had written it, and told nobody.
    """
    if outcome.state is State.DONE or (outcome.state is State.REFUSED and is_settled(outcome)):
        return True
    return any(output.written for output in outcome.outputs)


def move_cursor(store: Store, style: str, before: Cursor, after: Cursor) -> None:
    """Write a style's cursor, if it still is the one that the plan saw: a late settle never moves it back.

    Of a source that has none, nothing is written but that the one of another source is no more.
    """
    if before == after or not (before.folders or after.folders):
        return

    def moved(known: Cursor) -> Cursor:
        return after if known == before else known

    ledger.update(store, keys.ingest_cursor(style), Cursor, moved)
