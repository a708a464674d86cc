"""Every key that Darkroom reads or writes: the one place that knows where things lie (docs/storage-keys.md).

Keys are relative to a bucket's root, with `/` between segments. Whatever comes from outside (a style's name, a
run id) passes `segment` first, so that no key can leave its prefix.
"""

import hashlib
import re
from datetime import datetime
from typing import NamedTuple

from darkroom.styles.names import CODE, SIDES, plain

_SAFE_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}")

_NONE = "default"
"""What stands for the codes of a picture of none."""
_PICTURE = re.compile(
    rf"(?P<codes>{CODE}(?:-{CODE})*)-(?P<length>[^-/]+)-(?P<side>{'|'.join(SIDES)})-(?P<colour>[0-9]{{4}})(?:\.png)?"
)

COMPOSITE = "800x800"
"""The folder of the composites themselves; the other cuts lie beside it."""


def segment(value: str) -> str:
    """`value` as one path segment: itself where it is plain, otherwise made plain, with a hash that keeps it unique.

    >>> segment("manual__2026-11-21")
    'manual__2026-11-21'
    >>> segment("../x").startswith("_._x-")
    False
    """
    if _SAFE_SEGMENT.fullmatch(value) and ".." not in value:
        return value
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", value)[:100]
    return f"{plain}-{hashlib.sha256(value.encode()).hexdigest()[:8]}"


# renders and composites


def raw_renders(style: str) -> str:
    """The prefix of a style's renders as delivered."""
    return f"renders/raw/{segment(style)}/"


PROXIES = "renders/caddy/"
"""The prefix of every style's proxies."""


def proxies(style: str) -> str:
    """The prefix of a style's proxies, with its catalogue beside them."""
    return f"{PROXIES}{segment(style)}/"


def proxy(style: str, code: str, file: str) -> str:
    """The key of a render's proxy: `file` is the render's own name, without its folder, as delivered.

    >>> proxy("fp-dr1003-102", "t1", "T1_Neckline_Front_0003.PNG")
    'renders/caddy/fp-dr1003-102/t1/t1_neckline_front_0003.png'
    """
    return f"{proxies(style)}{code}/{plain(file)}"


def catalogue(style: str) -> str:
    """The JSON that says which layers a style has, and how they are drawn."""
    return f"{proxies(style)}catalogue.json"


def cut_prefix(style: str, cut: str) -> str:
    """The prefix of one cut's pictures of a style."""
    return f"renders/composites/{segment(style)}/{cut}/"


class Picture(NamedTuple):
    """Which composite: the codes that are picked, the length's slug, the side, the colour.

    Its name is what the shop's front end asks for, and every composite has one name only.
    """

    codes: tuple[str, ...]
    length: str
    side: str
    colour: int

    @property
    def name(self) -> str:
        """Its file's name without `.png`: codes sorted as plain strings, `default` for none.

        >>> Picture(("t1", "b4", "a2"), "micro_mini", "front", 3).name
        'a2-b4-t1-micro_mini-front-0003'
        """
        return f"{'-'.join(sorted(self.codes)) or _NONE}-{self.length}-{self.side}-{self.colour:04d}"

    @property
    def group(self) -> str:
        """The length and side, as reports group by: `micro_mini front`."""
        return f"{self.length} {self.side}"

    @classmethod
    def parse(cls, file_name: str) -> "Picture | None":
        """Read a name, with or without `.png`; None where no picture is called so (codes that are not in order too).

        >>> Picture.parse("a2-b4-t1-micro_mini-front-0003.png")
        Picture(codes=('a2', 'b4', 't1'), length='micro_mini', side='front', colour=3)
        >>> Picture.parse("b4-a2-knee-front-0003.png") is None
        True
        """
        found = _PICTURE.fullmatch(file_name)
        if found is None:
            return None
        codes = () if found["codes"] == _NONE else tuple(found["codes"].split("-"))
        picture = cls(codes, found["length"], found["side"], int(found["colour"]))
        return picture if picture.name == file_name.removesuffix(".png") else None


def picture(style: str, cut: str, name: str) -> str:
    """The key of one cut of one picture."""
    return f"{cut_prefix(style, cut)}{name}.png"


def content(style: str, cut: str, digest: str) -> str:
    """The key of a picture that lies under its sha256 (layout `content`)."""
    return f"{cut_prefix(style, cut)}{digest}.png"


def index(style: str, cut: str) -> str:
    """Which name is which picture, in layout `content`: a JSON object from every name to its sha256."""
    return f"{cut_prefix(style, cut)}index.json"


def index_ledger(style: str) -> str:
    """What Darkroom wrote as the indexes of a style."""
    return f"state/indexes/{segment(style)}.json"


# pyramids

MARKERS = "process/"
"""The prefix of the markers of every source."""
STUDIO = ("renders/", MARKERS, "state/", "work/")
"""Below one of these something lies in every studio's store that was ever worked in."""
_SET_ASIDE = "process-failed/"


def markers(source: str) -> str:
    """The prefix of one source's markers."""
    return f"{MARKERS}{segment(source)}/"


def marker(source: str, location: str) -> str:
    """The marker of one image: `location` is its bucket and key, so two images with one file name never share it.

    >>> marker("maps", "scans/1890/a.jpg")[:20]
    'process/maps/2e87b8a'
    """
    return f"{markers(source)}{hashlib.sha256(location.encode()).hexdigest()}.json"


def set_aside(marker: str) -> str:
    """Where a marker goes whose image failed too often.

    >>> set_aside("process/maps/1.json")
    'process-failed/maps/1.json'
    """
    return f"{_SET_ASIDE}{marker.removeprefix(MARKERS)}"


# state


def composites_ledger(style: str, length: str, side: str, colour: int) -> str:
    """The ledger of the pictures of one length, side and colour of a style."""
    return f"state/composites/{segment(style)}/{length}-{side}-{colour:04d}.json"


def composites_ledgers(style: str) -> str:
    """The prefix of a style's ledgers of pictures."""
    return f"state/composites/{segment(style)}/"


def ingest_ledger(key: str) -> str:
    """The ledger that knows a raw render or a proxy: of its style, the share of its key.

    >>> ingest_ledger("renders/raw/sample-dress/t1_neckline_front_0003.png")
    'state/ingest/sample-dress/made/5.json'
    """
    return f"state/ingest/{key.split('/')[2]}/made/{_share(key)[:1]}.json"


def ingest_ledgers(style: str) -> str:
    """The prefix of a style's ledgers of raw renders and proxies."""
    return f"state/ingest/{segment(style)}/made/"


def ingest_cursor(style: str) -> str:
    """Up to where Dropbox has told of a style's renders, all of it proven."""
    return f"state/ingest/{segment(style)}/cursor.json"


def render_digests(style: str) -> str:
    """The content digests of a style's renders, by key and ETag."""
    return f"state/renders/{segment(style)}.json"


def checks(style: str) -> str:
    """What the checks of a style's renders found last."""
    return f"state/checks/{segment(style)}.json"


_SHARDS = 2  # hex digits: 256 ledgers, each of some thousand entries where there are a million pyramids


def pyramids_ledger(target: str) -> str:
    """The ledger that knows a pyramid; its share of them all is taken by the sha256 of the pyramid's key.

    >>> pyramids_ledger("maps/1890/a.tif")
    'state/pyramids/made/b1.json'
    """
    return f"state/pyramids/made/{_share(target)}.json"


def _share(key: str) -> str:
    named = key.encode(errors="surrogateescape")  # a file's name may be any bytes
    return hashlib.sha256(named).hexdigest()[:_SHARDS]


FAILED_DAYS = "state/pyramids/failed.json"
"""On which days the image of which marker failed."""


def copies_ledger(location: str, key: str) -> str:
    """The ledger that knows an archive flow's copy in the store at `location`, by the share of its key."""
    return f"{copies_ledgers(location)}{_share(key)}.json"


def copies_ledgers(location: str) -> str:
    """The prefix of the ledgers of the copies in the store at `location`."""
    return f"state/archive/copies/{segment(location)}/"


def versions_ledger(location: str, md5: str) -> str:
    """The ledger that knows a version in the archive at `location`, by the share of its content's MD5 (hex)."""
    return f"state/archive/versions/{segment(location)}/{md5[:_SHARDS]}.json"


def due_posts(location: str) -> str:
    """The thumbnails of the copies in the store at `location` that could not be posted yet."""
    return f"state/archive/due/{segment(location)}.json"


REMOVED = "removed/"
"""The prefix, in its own bucket, of what the sync flow removed or replaced; how long it stays is the bucket's rule."""


def removed(day: str, key: str) -> str:
    """Where an object of a bucket goes before it is removed or replaced on a day.

    >>> removed("2026-11-27", "stores/a/photos/1.jpg")
    'removed/2026-11-27/stores/a/photos/1.jpg'
    """
    return f"{REMOVED}{day}/{key}"


def synced_ledger(location: str, key: str) -> str:
    """The ledger that knows what an object in the store at `location` is of, where its ETag does not say."""
    return f"{synced_ledgers(location)}{_share(key)}.json"


def synced_ledgers(location: str) -> str:
    """The prefix of these ledgers."""
    return f"state/sync/objects/{segment(location)}/"


def synced_folder(profile: str, location: str) -> str:
    """What the last run of a profile found in its folder, for the next one to know it by."""
    return f"state/sync/folders/{segment(location)}/{segment(profile)}.json"


def flags(style: str) -> str:
    """What people found wrong with combinations of a style."""
    return f"state/flags/{segment(style)}.json"


SILENCES = "state/alerts/silences.json"
"""Which alerts are not sent, until when, why, and who says so."""


def unmended(dag_id: str) -> str:
    """The runs of a DAG that failed, and that none that succeeded has mended yet."""
    return f"state/alerts/unmended/{segment(dag_id)}.json"


FIGURES = "state/figures.json"
"""What a machine of this studio does in how long, as it was measured."""


def damaged(ledger: str, when: datetime) -> str:
    """Where a ledger goes that cannot be read any more."""
    return f"{ledger}.damaged-{when:%Y%m%dT%H%M%S}"


def lease(flow: str, subject: str) -> str:
    """Who works on a subject of a flow: a style, a pair of buckets, a profile, a source."""
    return f"state/leases/{segment(flow)}/{segment(subject)}.json"


# work: expires after 30 days

WORK = "work/"
"""The prefix of every plan, of whatever flow."""


def trial(measurement: str, number: int) -> str:
    """An object that is written to measure how fast a store takes many, and removed again."""
    return f"{WORK}estimate/{segment(measurement)}/{number:06d}"


def museum_file(file_id: str, md5: str) -> str:
    """A file that was fetched from Google Drive: one version of it, so that it is fetched once."""
    return f"{WORK}museum/{segment(file_id)}/{segment(md5)}"


def runs(dag_id: str) -> str:
    """The prefix of the plans of a DAG's runs."""
    return f"{WORK}{segment(dag_id)}/"


def run_folder(dag_id: str, run_id: str) -> str:
    """The prefix of the plans of one run."""
    return f"{runs(dag_id)}{segment(run_id)}/"


def plan_folder(dag_id: str, run_id: str, plan_id: str) -> str:
    """The prefix of one plan; the keys below are relative to it."""
    return f"{run_folder(dag_id, run_id)}{segment(plan_id)}/"


COLLECTED = "collected.json"
"""What was gathered for a run before its plan, below the run's folder."""

MANIFEST = "plan.json"
CLAIMS = "claims.json"
"""Who waits for which item of a plan: markers and items of an API."""
DELIVERIES = "deliveries.json"
"""Of a plan of the ingest: what is gone from each style's source, and up to where the plan has looked."""
ASKED = "asked.json"
"""What a plan wants a person's yes for, before its jobs run."""
APPROVAL = "approval.json"
"""What that person answered, or that nobody did."""
TILES = "contact-sheet.json"
"""Which of a plan's pictures its contact sheet shows."""
CONTACT_SHEET = "contact-sheet.jpg"
"""That sheet, drawn from proxies where a person is asked."""
SETTLEMENT = "settled.json"
REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
REPORT_PAGE = "report-page.json"
"""What the page of a report shows, and no more of it, whatever the run's size."""
NOT_DONE = "not-done.jsonl"
"""The items of a run that were not made, a JSON object a line; absent where there are none."""


def checks_html(style: str) -> str:
    """The page of what the checks of a style's renders found, below the folder of the ingest's plan."""
    return f"checks/{segment(style)}.html"


ACCEPTED = "accepted.txt"
"""The items that a plan found nothing wrong with, a JSON text a line."""


JOBS = "jobs/"
"""The prefix of a plan's job files."""


def job(number: int) -> str:
    """A job's file below its plan's folder."""
    return f"{JOBS}{number:04d}.json"


OUTCOMES = "outcomes/"
"""The prefix of the outcomes of all of a plan's jobs."""


def outcomes(number: int) -> str:
    """The prefix of a job's outcomes below its plan's folder."""
    return f"{OUTCOMES}{number:04d}/"


def outcome_batch(number: int, batch: int) -> str:
    """One batch of a job's outcomes below its plan's folder."""
    return f"{outcomes(number)}{batch:06d}.json"
