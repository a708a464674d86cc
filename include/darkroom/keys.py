"""Every key that Darkroom reads or writes: the one place that knows where things lie (docs/storage-keys.md).

Keys are relative to a bucket's root, with `/` between segments. Whatever comes from outside (a style's name, a
run id) passes `segment` first, so that no key can leave its prefix.
"""

import hashlib
import re
from datetime import datetime
from typing import NamedTuple

from darkroom.styles.names import CODE, SIDES

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


def render_digests(style: str) -> str:
    """The content digests of a style's renders, by key and ETag."""
    return f"state/renders/{segment(style)}.json"


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


def damaged(ledger: str, when: datetime) -> str:
    """Where a ledger goes that cannot be read any more."""
    return f"{ledger}.damaged-{when:%Y%m%dT%H%M%S}"


def lease(flow: str, subject: str) -> str:
    """Who works on a subject of a flow: a style, a pair of buckets, a profile, a source."""
    return f"state/leases/{segment(flow)}/{segment(subject)}.json"


# work: expires after 30 days

WORK = "work/"
"""The prefix of every plan, of whatever flow."""


def museum_file(file_id: str, md5: str) -> str:
    """A file that was fetched from Google Drive: one version of it, so that it is fetched once."""
    return f"{WORK}museum/{segment(file_id)}/{segment(md5)}"


def run_folder(dag_id: str, run_id: str) -> str:
    """The prefix of the plans of one run."""
    return f"{WORK}{segment(dag_id)}/{segment(run_id)}/"


def plan_folder(dag_id: str, run_id: str, plan_id: str) -> str:
    """The prefix of one plan; the keys below are relative to it."""
    return f"{run_folder(dag_id, run_id)}{segment(plan_id)}/"


COLLECTED = "collected.json"
"""What was gathered for a run before its plan, below the run's folder."""

MANIFEST = "plan.json"
CLAIMS = "claims.json"
"""Who waits for which item of a plan: markers and items of an API."""
SETTLEMENT = "settled.json"
REPORT_JSON = "report.json"
REPORT_HTML = "report.html"


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
