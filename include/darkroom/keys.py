"""Every key that Darkroom reads or writes: the one place that knows where things lie (docs/storage-keys.md).

Keys are relative to a bucket's root, with `/` between segments. Whatever comes from outside (a style's name, a
run id) passes `segment` first, so that no key can leave its prefix.
"""

import hashlib
import re

_SAFE_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,119}")

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


def picture_name(codes: tuple[str, ...], length: str, side: str, colour: int) -> str:
    """A picture's name without `.png`: codes sorted as plain strings, `default` for none.

    >>> picture_name(("t1", "b4", "a2"), "micro_mini", "front", 3)
    'a2-b4-t1-micro_mini-front-0003'
    """
    return f"{'-'.join(sorted(codes)) or 'default'}-{length}-{side}-{colour:04d}"


def picture_group(name: str) -> str:
    """The length and side in a picture's name, as reports group by.

    >>> picture_group("a2-b4-t1-micro_mini-front-0003")
    'micro_mini front'
    """
    _, length, side, _ = name.rsplit("-", 3)
    return f"{length} {side}"


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
    return f"state/pyramids/made/{hashlib.sha256(target.encode()).hexdigest()[:_SHARDS]}.json"


FAILED_DAYS = "state/pyramids/failed.json"
"""On which days the image of which marker failed."""


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


def outcomes(number: int) -> str:
    """The prefix of a job's outcomes below its plan's folder."""
    return f"outcomes/{number:04d}/"


def outcome_batch(number: int, batch: int) -> str:
    """One batch of a job's outcomes below its plan's folder."""
    return f"{outcomes(number)}{batch:06d}.json"
