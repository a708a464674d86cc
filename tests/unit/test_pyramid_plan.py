"""What a plan of pyramids decides, without a store: what is left, how jobs are cut, what a day of failing counts."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from darkroom.figures import OTHER, REFERENCE
from darkroom.imaging.headers import RangeReader, Size, size_of
from darkroom.imaging.opening import look
from darkroom.jobs import MOST_JOBS, Mode
from darkroom.machines import MACHINES
from darkroom.outside.appsync import FileToProcess
from darkroom.planning import cut, machine_for
from darkroom.pyramids.failed_days import count
from darkroom.pyramids.find import Candidate, place_of
from darkroom.pyramids.job import FailedDays, FailedLedger, MarkerRef, PyramidEntry, PyramidItem, recipe_digest
from darkroom.pyramids.plan import Todo, costed
from darkroom.standing import is_current
from darkroom.store import Entry, open_store
from tests import scans

GIB = 1 << 30
FIGURES = REFERENCE.model_copy(update={"scan": {OTHER: 20e-9}, "pyramid": 60e-9, "move": 20e-9, "write": 0.001})
"""Of a machine that takes 0.1 s for an image of a megapixel, and half a minute for one of 900."""
KNOWN = PyramidEntry(recipe="r", etag="e", bytes=1, source="s3://scans/a.jpg")
REF = MarkerRef(key="process/maps/1.json", etag="1")


def todo(name: str, pixels: int, held: int = 0) -> Todo:
    entry = Entry(name, pixels // 4, "e", datetime(2026, 11, 21, tzinfo=UTC))
    candidate = Candidate(name, "maps", "s3://scans", name, name, entry=entry)
    item = PyramidItem(name=name, group="maps", key=name, bytes=entry.bytes, target=name, recipe="r")
    return Todo(candidate, item, Size(pixels, held))


@pytest.mark.parametrize(
    ("mode", "known", "stands", "recipe", "left"),
    [
        (Mode.CHANGED, None, False, "r", False),
        (Mode.CHANGED, KNOWN, False, "r", False),
        (Mode.CHANGED, KNOWN, True, "another", False),
        (Mode.CHANGED, KNOWN, True, "r", True),
        (Mode.CHANGED, KNOWN.model_copy(update={"stale": "gone"}), True, "r", False),
        (Mode.PLAN, KNOWN, True, "r", True),
        (Mode.PLAN, KNOWN, False, "r", False),
        (Mode.ALL, KNOWN, True, "r", False),
    ],
)
def test_a_pyramid_is_left_only_when_it_stands_from_the_same_recipe(
    mode: Mode, known: PyramidEntry | None, stands: bool, recipe: str, left: bool
) -> None:
    assert is_current(mode, known, recipe, stands=stands) is left


def test_a_recipe_is_another_one_for_each_thing_that_makes_another_pyramid() -> None:
    recipes = [
        recipe_digest("s3://scans/a.jpg", "1", "deflate", False),
        recipe_digest("s3://scans/b.jpg", "1", "deflate", False),
        recipe_digest("s3://scans/a.jpg", "2", "deflate", False),
        recipe_digest("s3://scans/a.jpg", "1", "jpeg", False),
        recipe_digest("s3://scans/a.jpg", "1", "deflate", True),
    ]
    assert len(set(recipes)) == 5
    assert recipe_digest("s3://scans/a.jpg", "1", "deflate", False) == recipes[0]


def test_jobs_are_cut_by_pixels_and_not_by_files() -> None:
    small, large = [todo(f"s{n}", 1_000_000) for n in range(1000)], [todo(f"l{n}", 900_000_000) for n in range(100)]
    jobs = cut([costed(one, FIGURES) for one in (*small, *large)], enough=600)
    seconds = [sum(one.seconds for one in job) for job in jobs]
    assert max(seconds) <= 600
    assert min(seconds[:-1]) > 500
    assert max(map(len, jobs)) > 20 * min(map(len, jobs))
    assert [one.item.candidate.name for job in jobs for one in job] == [one.candidate.name for one in (*small, *large)]


def test_a_run_never_has_more_jobs_than_airflow_is_to_map() -> None:
    jobs = cut([costed(todo(f"{n}", 1_000_000_000), FIGURES) for n in range(20_000)], enough=600)
    assert MOST_JOBS // 2 < len(jobs) <= MOST_JOBS


def test_an_image_that_needs_more_memory_gets_a_larger_machine_and_does_not_take_the_others_along() -> None:
    assert [
        machine_for(costed(todo("a", 10, held)).memory) for held in (0, 3 * GIB, 4 * GIB, 15 * GIB, 16 * GIB, 900 * GIB)
    ] == [*("small", "small", "large", "large", "xlarge", "xlarge")]
    three = [todo("a", 1000), todo("progressive", 700_000_000, 4 * GIB), todo("b", 1000)]
    jobs = cut([costed(one) for one in three], enough=600)
    assert [[one.item.candidate.name for one in job] for job in jobs] == [["a", "b"], ["progressive"]]
    assert set(MACHINES) == {"small", "large", "xlarge"}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return scans.good(tmp_path_factory.mktemp("scans"))


@pytest.mark.parametrize(
    "kind", ["jpeg", "progressive", "png", "interlaced", "tiff", "webp", "gif", "sixteen bit", "cmyk"]
)
def test_a_header_says_what_the_worker_will_find(kind: str, files: dict[str, Path]) -> None:
    file = files[kind]
    store = open_store(str(file.parent))
    entry, source = store.head(file.name), look(file, 10**9)
    assert entry
    assert size_of(store, entry) == Size(source.width * source.height, source.held)


def test_of_a_long_file_only_the_header_is_read(tmp_path: Path) -> None:
    scans.picture(3000, 2000).jpegsave(str(tmp_path / "a.jpg"), Q=100)
    store = open_store(str(tmp_path))
    entry = store.head("a.jpg")
    assert entry
    assert entry.bytes > 1_000_000
    reader = RangeReader(store, entry)
    assert len(reader.read(entry.bytes)) == 65_536
    assert size_of(store, entry).pixels == 6_000_000


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff", b"%PDF-1.4", b"BM"])
def test_a_size_that_no_header_says_is_guessed_and_the_worker_finds_out(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    store = open_store(str(tmp_path))
    entry = store.head("a")
    assert entry
    assert size_of(store, entry).pixels >= 0


def test_a_file_of_the_api_lies_in_the_closest_place_or_in_none() -> None:
    def file(bucket: str, path: str) -> FileToProcess:
        return FileToProcess(
            id="1", source_type="S3", source_bucket_name=bucket, source_file_path=path, file_path="a.tif"
        )

    places = ["s3://scans", "s3://scans/maps", "s3://papers/in", "file:///scans"]
    assert place_of(places, file("scans", "maps/a.jpg")) == ("s3://scans/maps", "a.jpg")
    assert place_of(places, file("scans", "/b/a.jpg")) == ("s3://scans", "b/a.jpg")
    assert place_of(places, file("papers", "inner/a.jpg")) is None
    assert place_of(places, file("secrets", "a.jpg")) is None


def days(*dates: str, etag: str = "1") -> FailedLedger:
    return FailedLedger(markers={REF.key: FailedDays(etag=etag, days=dates, reason="torn")})


def test_a_day_counts_once_and_the_last_of_them_is_over() -> None:
    known = FailedLedger()
    for number, over in ((21, False), (21, False), (22, False), (23, True)):
        counted = count(known, {REF: "torn"}, set(), date(2026, 11, number), 3)
        assert bool(counted.over) is over
        known = counted.ledger
    assert known.markers[REF.key].days == ("2026-11-21", "2026-11-22", "2026-11-23")


def test_another_version_of_a_marker_begins_anew_and_a_settled_one_is_forgotten() -> None:
    again = count(days("2026-11-20", "2026-11-21", etag="0"), {REF: "torn"}, set(), date(2026, 11, 22), 3)
    assert again.ledger == days("2026-11-22")
    assert count(days("2026-11-20"), {}, {REF.key}, date(2026, 11, 22), 3).ledger == FailedLedger()


def test_a_failure_of_long_ago_is_forgotten() -> None:
    assert count(days("2026-06-01"), {}, set(), date(2026, 11, 22), 3).ledger == FailedLedger()
    assert count(days("2026-11-01"), {}, set(), date(2026, 11, 22), 3).ledger == days("2026-11-01")
