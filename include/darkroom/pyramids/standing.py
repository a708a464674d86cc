"""What stands where a run's pyramids go, and what the ledgers know of it."""

from collections.abc import Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from darkroom import keys, standing
from darkroom.errors import StoreError
from darkroom.jobs import Mode
from darkroom.ownership import Targets, Unsettled, refusal
from darkroom.pyramids.find import Candidate
from darkroom.pyramids.given import Identity, identity
from darkroom.pyramids.job import PyramidEntry, PyramidLedger
from darkroom.pyramids.names import PDF, copy_beside, target_of
from darkroom.pyramids.request import Request
from darkroom.store import Store, open_store

NAME = "pyramids"


@dataclass(frozen=True, slots=True)
class Standing(standing.Standing[PyramidEntry]):
    """What stands of pyramids and of the copies beside them.

    `reasons` say why some cannot be looked at. `given` are a command's images, which nothing may take the place of.
    """

    images: Store
    reasons: Mapping[str, str]
    given: Set[Identity] = frozenset()

    def is_whole(self, key: str) -> bool:
        """Do a pyramid, and the copy that was made with it, stand as they were written?"""
        entry, copy = self.known.get(key), copy_beside(key)
        beside = self.known.get(copy)
        if entry is None or self.etags.get(key) != entry.etag:
            return False
        return beside is None or beside.recipe != entry.recipe or self.etags.get(copy) == beside.etag

    def is_output(self, one: Candidate) -> bool:
        """Is a candidate itself what was made of another image?"""
        made = {key: self.known.get(key) for key in self._places(one)}
        return any(entry and entry.source != one.uri == self.images.uri_of(key) for key, entry in made.items())

    def outputs_of(self, one: Candidate) -> set[str]:
        """The URIs of what was made of a candidate, here or at the place that it has without a marker's `path`."""
        made = {key: self.known.get(key) for key in _near(one)}
        return {self.images.uri_of(key) for key, entry in made.items() if entry and entry.source == one.uri}

    def may_replace(self, one: Candidate) -> tuple[str, str] | str:
        """The ETags that a candidate's pyramid and its copy may replace; or, in a sentence, why it is refused."""
        found = []
        for key in self._places(one):
            itself = bool(one.place) and self.images.uri_of(key) == one.uri  # a PDF that lies there is its own copy
            stands = None if itself else self.etags.get(key)
            may = self.targets.replaceable(key, stands)
            if may is None:
                return f"{refusal(key)}, or give the image another path"
            found.append(may)
        return found[0], found[1]

    @staticmethod
    def _places(one: Candidate) -> tuple[str, str]:
        return one.target, copy_beside(one.target)


def look(request: Request, images: Store, candidates: Iterable[Candidate]) -> Standing:
    """Read the ledgers, and look at every place that the candidates' pyramids and copies would take, many at once.

    A command has no ledger: what stands there it may replace if that is asked for, else adopt where it is the same.
    """
    candidates, store = list(candidates), open_store(request.store, images.access)
    copies = {copy_beside(one.target) for one in candidates}
    shards = sorted({keys.pyramids_ledger(key) for one in candidates for key in _near(one)})
    etags: dict[str, str | None] = {}
    reasons: dict[str, str] = {}
    seen = standing.look(store, NAME, images, shards, etags, PyramidLedger)
    # whether an image is a PDF, only its bytes say: where nothing hints at it, the worker finds out what stands there
    hinted = {copy_beside(one.target) for one in candidates if request.replace or _suffix(one) == PDF}
    asked = sorted({one.target for one in candidates} | hinted | (copies & seen.known.keys()))
    if request.given and not request.replace and request.mode is not Mode.PLAN:
        asked = []  # whatever stands there, the worker's condition finds it

    def look_at(key: str) -> None:
        try:
            entry = images.head(key)
            etags[key] = entry.etag if entry else None
        except (StoreError, OSError) as error:
            reasons[key] = f"its place cannot be looked at: {error}".rstrip(".")

    with ThreadPoolExecutor(images.concurrency, "standing") as pool:
        list(pool.map(look_at, asked))

    given = {identity(one.uri) for one in candidates if request.given}
    targets = seen.targets
    if given:
        ours = {key: etag for key, etag in etags.items() if etag and identity(images.uri_of(key)) not in given}
        targets = Targets(ours if request.replace else {}, Unsettled, damaged=True)
    return Standing(seen.known, etags, targets, images, reasons, given)


def _near(one: Candidate) -> set[str]:
    """Where a candidate's pyramid and its copy may be: as is asked, or beside the image, from another time."""
    pyramids = {one.target, target_of(one.key)} if one.place else {one.target}
    return pyramids | {copy_beside(key) for key in pyramids}


def _suffix(one: Candidate) -> str:
    path = one.key if one.place else urlsplit(one.uri).path
    return PurePosixPath(path).suffix.lower()
