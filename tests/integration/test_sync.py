"""A folder in a bucket, on real servers: what is uploaded and replaced, what is left, and what a run says."""

import os

import pytest

from darkroom.errors import BadInput, StoreError
from darkroom.flows import Run
from darkroom.jobs import Mode
from darkroom.planning import plan
from darkroom.runs import run_here
from darkroom.settings import settings
from darkroom.store import open_store
from darkroom.store.streams import PART
from darkroom.sync import look as looking
from darkroom.sync import scan as scanning
from darkroom.sync.flow import FLOW
from darkroom.sync.request import SyncMode, request_of
from tests.servers.fault_proxy import FaultProxy
from tests.sync_world import World, contents, counts, photo, read_of, reasons, today

OLD, NEW = b"the old photo" * 40, b"the new photo" * 50
LARGE = os.urandom(PART + 1000)
"""A photo that goes in parts."""


def requests(shops: World, patch: pytest.MonkeyPatch, mode: str = "copy", **more: object) -> tuple[object, list[str]]:
    """A run's report, and what it asked of S3."""
    with FaultProxy(os.environ["AWS_ENDPOINT_URL"]) as proxy, patch.context() as inner:
        inner.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        report = shops.run(mode, **more)
        return report, [f"{one.method} {one.path.split('?')[0]}" for one in proxy.seen]


def service(shops: World) -> None:
    if shops.bucket.uri.startswith("file://"):
        pytest.skip("a folder has no requests")


def test_what_is_new_is_uploaded_and_what_is_unchanged_is_left(shops: World) -> None:
    shops.put("stores/a/photos/1.jpg", photo())
    shops.put("empty", b"")
    shops.put("a b+c%/\u65e5\u672c&.tif", "1")
    report = shops.run()
    assert (report.ok, counts(report)) == (True, {"done": 3})
    assert shops.uploaded() == contents(open_store(str(shops.folder)))
    assert report.bytes == len(photo()) + 1
    again = shops.run()
    assert (again.ok, counts(again), again.outputs) == (True, {"skipped": 3}, 0)
    assert shops.aside() == {}


def test_an_object_says_what_it_is_by_its_name(shops: World) -> None:
    service(shops)
    shops.put("a.jpg", photo())
    shops.put("b", "1")
    shops.run()
    types = {entry.key: entry.content_type for key in ("a.jpg", "b") if (entry := shops.target.head(key))}
    assert types == {"a.jpg": "image/jpeg", "b": "application/octet-stream"}


@pytest.mark.parametrize("cached", [True, False])
def test_a_run_over_what_has_not_changed_only_lists(
    shops: World, monkeypatch: pytest.MonkeyPatch, cached: bool
) -> None:
    service(shops)
    for key in ("a-b", "a.b", "a/b", "a/c/d", "b"):
        shops.put(key, key)
    assert counts(shops.run("sync", cached=cached)) == {"done": 5}
    report, asked = requests(shops, monkeypatch, "sync")
    assert counts(report) == {"skipped": 5}
    assert set(asked) == {f"GET /{shops.bucket.uri.removeprefix('s3://')}"}


def test_without_the_cache_what_has_not_changed_is_read_and_no_object_is(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    service(shops)
    shops.put("a", OLD)
    shops.run()
    report, asked = requests(shops, monkeypatch, cached=False)
    assert counts(report) == {"skipped": 1}
    assert not [one for one in asked if one.endswith("/a")], "its ETag says what it is"


def test_small_files_of_which_nothing_is_known_are_read_by_the_plan_and_are_no_jobs_items(shops: World) -> None:
    shops.fill(5)
    shops.put("large", LARGE)
    shops.run()
    manifest = shops.planned(cached=False)
    assert (manifest.skipped, manifest.todo) == (5, 1)
    assert counts(shops.finished(manifest)) == {"skipped": 6}
    shops.put("files/001", "file 9")
    shops.put("files/002", "file 22")
    assert counts(shops.run(cached=False)) == {"done": 2, "skipped": 4}
    assert shops.aside() == {"files/001": b"file 1", "files/002": b"file 2"}


def test_what_changed_is_replaced_and_what_stood_there_is_put_aside_byte_for_byte(shops: World) -> None:
    shops.put("a/1.jpg", OLD)
    shops.put("a/2.jpg", OLD)
    shops.run()
    shops.put("a/1.jpg", NEW)
    report = shops.run()
    assert (report.ok, counts(report)) == (True, {"done": 1, "skipped": 1})
    assert report.groups["shops: changed"].done == 1
    assert shops.uploaded() == {"a/1.jpg": NEW, "a/2.jpg": OLD}
    assert shops.aside() == {"a/1.jpg": OLD}
    (said,) = report.findings
    assert said == f"shops/a/1.jpg: It was replaced; what stood there is removed/{today()}/a/1.jpg."
    assert counts(shops.run()) == {"skipped": 2}


def test_a_profile_may_say_that_nothing_is_put_aside(shops: World) -> None:
    shops.set(set_aside=False)
    for key in ("a", "b", "c"):
        shops.put(key, OLD)
    shops.run()
    shops.put("a", NEW)
    (shops.folder / "b").unlink()
    report = shops.run("sync")
    assert (report.ok, report.findings) == (True, ())
    assert (shops.uploaded(), shops.aside()) == ({"a": NEW, "c": OLD}, {})


def test_two_versions_that_are_replaced_on_one_day_are_both_kept(shops: World) -> None:
    for data in ("one", "two", "three"):
        shops.put("a", data)
        assert shops.run().ok
    assert shops.uploaded() == {"a": b"three"}
    assert sorted(shops.aside().values()) == [b"one", b"two"]
    assert "a" in shops.aside()


def test_a_file_that_goes_back_and_forth_all_day_is_put_aside_once_a_version(shops: World) -> None:
    for data in ("one", "two", "one", "two", "one", "two", "one"):
        shops.put("a", data)
        report = shops.run()
        assert report.ok, reasons(report)
    assert shops.uploaded() == {"a": b"one"}
    assert set(shops.aside().values()) == {b"one", b"two"}


def test_a_target_below_a_prefix_is_put_aside_at_the_top_of_its_bucket(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = open_store(f"{shops.bucket.uri}/pictures/of")
    shops.bucket.write("pictures/of-others", b"theirs")
    shops.target = below
    shops.set(target=below.uri)
    for key in ("a", "b", "c"):
        shops.put(key, OLD)
    shops.run()
    shops.put("a", NEW)
    (shops.folder / "b").unlink()
    assert shops.run("sync").ok
    assert shops.uploaded() == {"a": NEW, "c": OLD}
    if shops.bucket.uri.startswith("s3://"):  # a folder is its own bucket
        assert shops.aside() == {"a": OLD, "b": OLD}
        assert shops.bucket.read(f"removed/{today()}/pictures/of/a") == OLD
    assert shops.bucket.read("pictures/of-others") == b"theirs"


def test_an_object_that_somebody_else_uploaded_is_known_by_its_bytes(shops: World) -> None:
    shops.target.write("same", OLD)
    shops.target.write("other", b"theirs")
    shops.put("same", OLD)
    shops.put("other", NEW)
    stands = shops.target.head("same")
    report = shops.run()
    assert (report.ok, counts(report)) == (True, {"done": 1, "skipped": 1})
    assert shops.target.head("same") == stands, "it is not written again"
    assert (shops.uploaded(), shops.aside()) == ({"same": OLD, "other": NEW}, {"other": b"theirs"})


def test_a_large_file_goes_in_parts_and_the_second_run_does_not_read_it(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops.put("large", LARGE)
    assert shops.run().ok
    assert shops.uploaded() == {"large": LARGE}
    if shops.bucket.uri.startswith("s3://"):
        report, asked = requests(shops, monkeypatch)
        assert [one for one in asked if one.endswith("/large")] == [], "its ETag is no MD5; the ledger knows it"
    else:
        report = shops.run()
    assert counts(report) == {"skipped": 1}
    changed = bytes([LARGE[0] ^ 1]) + LARGE[1:]
    shops.put("large", changed)
    report = shops.run()
    assert (report.ok, counts(report)) == (True, {"done": 1})
    assert (shops.uploaded(), shops.aside()) == ({"large": changed}, {"large": LARGE})


def test_a_large_file_that_was_only_touched_is_read_once_and_its_object_never(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes could be others; what its object has is known from its upload."""
    service(shops)
    file = shops.put("large", LARGE)
    shops.run()
    os.utime(file, ns=(10**18, 10**18))
    read = read_of(monkeypatch)
    report, asked = requests(shops, monkeypatch)
    assert counts(report) == {"skipped": 1}
    assert not [one for one in asked if one.endswith("/large")]
    assert sum(read) == len(LARGE)
    assert counts(shops.run()) == {"skipped": 1}
    assert sum(read) == len(LARGE), "and from now on it is known"


def test_other_bytes_of_a_large_file_are_uploaded_without_reading_its_object(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    service(shops)
    shops.set(set_aside=False)
    shops.put("large", LARGE)
    shops.run()
    shops.put("large", LARGE[::-1])
    report, asked = requests(shops, monkeypatch)
    assert counts(report) == {"done": 1}
    assert not [one for one in asked if one.startswith("GET") and one.endswith("/large")]
    assert shops.uploaded() == {"large": LARGE[::-1]}


def test_a_large_object_that_somebody_else_uploaded_is_compared_once(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And known from then on: neither the file nor the object is read again."""
    shops.target.write("large", LARGE)
    file = shops.put("large", LARGE)
    assert counts(shops.run()) == {"skipped": 1}
    read = read_of(monkeypatch)
    if shops.bucket.uri.startswith("s3://"):
        report, asked = requests(shops, monkeypatch)
        assert (counts(report), [one for one in asked if one.endswith("/large")]) == ({"skipped": 1}, [])
    manifest = shops.planned()
    assert (manifest.todo, manifest.skipped, read) == (0, 1, [])
    os.utime(file, ns=(10**18, 10**18))
    assert counts(shops.finished(shops.planned())) == {"skipped": 1}
    assert sum(read) == len(LARGE)


def test_a_large_file_is_looked_at_once_by_other_rules(shops: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shops.put("stores/a/photos/1.jpg", photo() + bytes(PART))
    shops.run()
    shops.set(rules="stores")
    read = read_of(monkeypatch)
    for _ in range(2):
        assert counts(shops.run()) == {"skipped": 1}
    assert sum(read) == len(photo()) + PART


def test_an_object_that_somebody_replaced_by_one_as_large_is_not_taken_for_the_one_of_the_ledger(shops: World) -> None:
    for key, size in (("large", len(LARGE)), ("small", 100)):
        shops.put(key, LARGE[:size])
    shops.run()
    theirs = {"large": LARGE[::-1], "small": LARGE[:100][::-1]}
    for key, data in theirs.items():
        shops.target.write(key, data)
    assert counts(shops.run()) == {"done": 2}
    assert (shops.uploaded(), shops.aside()) == ({"large": LARGE, "small": LARGE[:100]}, theirs)


def test_a_large_file_that_changes_back_and_forth_is_put_aside_each_time(shops: World) -> None:
    one, other = LARGE, LARGE[::-1]
    for data in (one, other, one, other, one):
        shops.put("large", data)
        report = shops.run()
        assert report.ok, reasons(report)
    assert shops.uploaded() == {"large": one}
    assert set(shops.aside().values()) == {one, other}


def test_other_bytes_of_the_same_size_and_date_are_found_by_the_files_ctime(shops: World) -> None:
    """By which neither size nor date tell."""
    file = shops.put("a", b"1" * 100)
    stat = file.stat()
    shops.run()
    file.write_bytes(b"2" * 100)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
    assert counts(shops.run()) == {"done": 1}
    assert (shops.uploaded(), shops.aside()) == ({"a": b"2" * 100}, {"a": b"1" * 100})


def test_where_a_drive_has_no_ctime_they_are_found_without_the_cache(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def coarse(stat: os.stat_result) -> str:
        return f"{stat.st_size:x}.{stat.st_mtime_ns:x}.{stat.st_ino:x}.0"

    for module in (scanning, looking):
        monkeypatch.setattr(module, "version_of", coarse)
    file = shops.put("a", b"1" * 100)
    stat = file.stat()
    shops.run()
    file.write_bytes(b"2" * 100)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert counts(shops.run()) == {"skipped": 1}, "nothing shows it"
    assert counts(shops.run(cached=False)) == {"done": 1}
    assert shops.uploaded() == {"a": b"2" * 100}
    assert counts(shops.run()) == {"skipped": 1}


def test_a_file_that_was_only_touched_is_read_and_left(shops: World) -> None:
    file = shops.put("a", OLD)
    shops.run()
    os.utime(file, ns=(10**18, 10**18))
    report = shops.run()
    assert (report.ok, counts(report), report.outputs) == (True, {"skipped": 1}, 0)
    assert shops.aside() == {}


def test_a_dry_run_writes_nothing_and_says_what_a_run_then_does(shops: World) -> None:
    for key in ("a", "b", "c"):
        shops.put(key, OLD)
    shops.run()
    shops.put("a", NEW)
    shops.put("new", NEW)
    (shops.folder / "b").unlink()
    before = contents(shops.bucket)
    files = {file: file.stat().st_mtime_ns for file in (shops.root / "studio").rglob("*")}
    report = shops.run("plan", remove=True)
    assert (report.mode, counts(report)) == (Mode.PLAN, {"todo": 3, "skipped": 1})
    assert {name: group.planned for name, group in report.groups.items()} == {
        "shops: unchanged": 1,
        "shops: changed": 1,
        "shops: gone": 1,
        "shops: new": 1,
    }
    assert contents(shops.bucket) == before
    assert {file: file.stat().st_mtime_ns for file in (shops.root / "studio").rglob("*")} == files
    assert counts(shops.run("sync")) == {"done": 3, "skipped": 1}


def test_a_profile_that_cannot_be_planned_does_not_stop_the_others(shops: World) -> None:
    shops.put("a", OLD)
    broken = shops.profile.model_copy(update={"name": "broken", "source": str(shops.root / "not there")})
    settings.cache_clear()
    request = request_of([broken, shops.profile], mode=SyncMode.COPY)
    report = run_here(FLOW, request, command="sync", subject="both", workers=2)
    assert (report.done, report.ok) == (1, False)
    (problem,) = report.problems
    assert problem.startswith(f"broken: {shops.root}/not there: it cannot be read (no such file or directory)")
    assert shops.uploaded() == {"a": OLD}


def test_a_job_says_which_store_it_writes_to(shops: World) -> None:
    """So that a container's worker may write there, be it a folder."""
    from darkroom.jobs import parse
    from darkroom.store import read_object
    from darkroom.sync.job import SyncJob

    shops.put("a", OLD)
    manifest = plan(FLOW, shops.request(), Run("sync", "shops", here=True))
    job = parse(SyncJob, read_object(manifest.jobs[0].uri), "the job")
    assert (job.output_store, job.written) == (shops.target.uri, (shops.target.uri,))


def test_a_bucket_that_is_not_there_is_bad_input(shops: World) -> None:
    service(shops)
    shops.put("a", OLD)
    shops.set(target="s3://no-such-bucket-at-all")
    with pytest.raises((BadInput, StoreError), match="there is no such bucket"):
        shops.run()
