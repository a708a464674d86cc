"""Whatever happens in the middle of a sync, what ever stood there is there or put aside, and the next run ends it."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.errors import Unavailable
from darkroom.store import Store, open_store, retries
from darkroom.store.streams import PART
from darkroom.sync.transfer import Line
from darkroom.worker import run_job
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import CorruptUpload, Fault, Hang, Reset, Status, slow_down
from tests.sync_world import World, contents, counts, new_bucket, reasons, world_of

OLD, NEW, THEIRS = b"the old photo" * 40, b"the new photo" * 50, b"somebody else's"
LARGE = os.urandom(PART + 1000)
DENIED = Status(403, "Forbidden", b"<Error><Code>AccessDenied</Code></Error>")


@pytest.fixture
def on_s3(open_backend: Callable[[str], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return world_of(new_bucket("radosgw", open_backend), tmp_path, monkeypatch)


@pytest.fixture
def s3(on_s3: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """Between Darkroom's processes and S3, but not before the test's own store, which looks at what stands."""
    contents(on_s3.bucket)  # it keeps its connections
    with FaultProxy(os.environ["AWS_ENDPOINT_URL"]) as proxy, monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        yield proxy


def ever(world: World) -> set[bytes]:
    """All bytes that are in the bucket, wherever."""
    return set(contents(world.bucket).values())


# S3 and the network


@pytest.mark.parametrize("fault", [slow_down(), Reset("before"), Reset("request"), Reset("response"), CorruptUpload(9)])
def test_faults_on_the_way_to_s3_are_repeated_and_nothing_is_written_twice(
    on_s3: World, s3: FaultProxy, fault: Fault
) -> None:
    on_s3.put("a", OLD)
    on_s3.run()
    on_s3.put("a", NEW)
    on_s3.put("new", NEW)
    s3.inject(fault, times=3, method="PUT")
    report = on_s3.run()
    assert report.ok, reasons(report)
    assert report.retries or isinstance(fault, CorruptUpload)
    assert on_s3.uploaded() == {"a": NEW, "new": NEW}
    assert on_s3.aside() == {"a": OLD}


def test_s3_refuses_one_key_and_all_others_go(on_s3: World, s3: FaultProxy) -> None:
    for key in ("a", "b", "c"):
        on_s3.put(key, OLD)
    on_s3.run()
    for key in ("a", "b", "c", "new"):
        on_s3.put(key, NEW)
    s3.inject(DENIED, times=1000, method="PUT", path="/b$")
    report = on_s3.run()
    assert counts(report) == {"done": 3, "failed": 1}
    assert "S3 refuses access" in reasons(report)["b"]
    assert on_s3.uploaded() == {"a": NEW, "b": OLD, "c": NEW, "new": NEW}
    s3.clear()
    assert on_s3.run().ok
    assert on_s3.uploaded()["b"] == NEW
    assert on_s3.aside() == {"a": OLD, "b": OLD, "c": OLD}


def test_where_nothing_may_be_put_aside_nothing_is_replaced_or_removed(on_s3: World, s3: FaultProxy) -> None:
    for key in ("a", "b", "c"):
        on_s3.put(key, OLD)
    on_s3.run()
    on_s3.put("a", NEW)
    (on_s3.folder / "b").unlink()
    on_s3.put("new", NEW)
    s3.inject(DENIED, times=1000, method="PUT", path="/removed/")
    report = on_s3.run("sync")
    assert counts(report) == {"done": 1, "failed": 2, "skipped": 1}
    assert on_s3.uploaded() == {"a": OLD, "b": OLD, "c": OLD, "new": NEW}


def test_s3_that_may_be_read_and_not_removed_from_is_a_failure_of_the_item(on_s3: World, s3: FaultProxy) -> None:
    on_s3.fill(3)
    on_s3.run()
    (on_s3.folder / "files/001").unlink()
    s3.inject(DENIED, times=1000, method="DELETE")
    report = on_s3.run("sync")
    assert counts(report) == {"failed": 1, "skipped": 2}
    assert on_s3.uploaded()["files/001"] == b"file 1"


def test_s3_that_goes_down_in_the_middle_loses_nothing_and_the_next_run_ends_it(
    on_s3: World, s3: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_s3.fill(12)
    on_s3.run()
    old = on_s3.uploaded()
    for number in range(0, 8):
        on_s3.put(f"files/{number:03}", f"other {number}")
    (on_s3.folder / "files/010").unlink()
    monkeypatch.setattr(retries, "_LONGEST_WAIT", 0.01)
    s3.inject(slow_down(), times=10**6, after=12, method="PUT")
    s3.inject(slow_down(), times=10**6, after=3, method="DELETE")
    report = on_s3.run("sync")
    assert report.failed
    assert not report.ok
    assert set(old.values()) <= ever(on_s3)
    s3.clear()
    assert on_s3.run("sync").ok
    assert on_s3.uploaded() == contents(open_store(str(on_s3.folder)))
    assert set(old.values()) <= ever(on_s3)


def test_a_listing_that_ends_in_the_middle_removes_and_uploads_nothing(
    on_s3: World, s3: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_s3.fill(5)
    on_s3.run()
    (on_s3.folder / "files/001").unlink()
    on_s3.put("new", NEW)
    monkeypatch.setattr(retries, "_LONGEST_WAIT", 0.01)
    s3.inject(slow_down(), times=10**6, method="GET", path="list-type=2")
    with pytest.raises(Unavailable):
        on_s3.run("sync")
    assert len(on_s3.uploaded()) == 5


# killed


def prepare(world: World, old: bytes, new: bytes) -> None:
    """An object that is to be replaced, and one that is to be removed."""
    for entry in list(world.bucket.list()):
        world.bucket.delete(entry.key)
    for key in ("a", "gone", "left", "more"):
        world.put(key, old if key == "a" else key * 20)
    report = world.run("sync")
    assert report.ok, reasons(report)
    world.put("a", new)
    (world.folder / "gone").unlink()


def killed_at(world: World, s3: FaultProxy, fault: Fault, step: int) -> None:
    s3.clear()
    s3.inject(fault, after=step, times=1)
    s3.inject(Hang(60), after=step, times=1)  # the one after it: where an answer is lost, nobody asks again
    process = world.command("sync", "--max-delete", "50")
    until = time.monotonic() + 30
    while not any(one.result == "Hang" for one in s3.seen) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.communicate()
    s3.clear()


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", [pytest.param(1, id="small"), pytest.param(PART + 1000, id="large", marks=pytest.mark.long)]
)
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Hang(60), id="before it is done"),
        pytest.param(Reset("response"), id="when it is done", marks=pytest.mark.long),
    ],
)
def test_kill_at_any_request_of_a_replacement_or_a_removal_loses_nothing(
    on_s3: World, s3: FaultProxy, fault: Fault, size: int
) -> None:
    """Killed at each request in turn: before the server sees it, and when it has done it and the answer is lost."""
    old, new, gone = b"o" * size + OLD, b"n" * size + NEW, b"gone" * 20
    prepare(on_s3, old, new)
    s3.clear()
    assert on_s3.command("sync", "--max-delete", "50").wait(60) == 0
    about = [number for number, one in enumerate(s3.seen) if one.path.split("?")[0].count("/") > 1]
    steps = range(about[0], len(s3.seen))
    assert len(steps) > 6
    for step in steps:
        prepare(on_s3, old, new)
        killed_at(on_s3, s3, fault, step)
        stands, aside = on_s3.uploaded(), set(on_s3.aside().values())
        assert stands["a"] == old or (stands["a"] == new and old in aside), f"step {step}: what stood there is there"
        assert stands.get("gone") == gone or gone in aside, f"step {step}: so is what is removed"
        report = on_s3.run("sync")
        assert report.ok, (step, reasons(report), report.problems)
        assert on_s3.uploaded() == {"a": new, "left": b"left" * 20, "more": b"more" * 20}, step
        assert {old, gone} <= set(on_s3.aside().values())
        assert len(on_s3.aside()) == 2, f"step {step}: each once"


def test_what_changes_after_an_interrupted_run_had_uploaded_it_goes_up_in_the_next_one(shops: World) -> None:
    for key in ("a", "b"):
        shops.put(key, OLD)
    manifest = shops.planned()
    run_job(manifest.jobs[0].uri, workers=1)  # and it is killed before it settles
    assert shops.uploaded() == {"a": OLD, "b": OLD}
    shops.put("a", NEW)
    report = shops.run()
    assert report.ok
    assert shops.uploaded() == {"a": NEW, "b": OLD}, "a run that says that all is well has uploaded it"


@pytest.mark.parametrize("old", [OLD, LARGE], ids=["small", "large"])
def test_what_a_worker_uploaded_and_told_nobody_is_done_when_the_job_is_tried_again(shops: World, old: bytes) -> None:
    """As after a kill, before its outcomes were written down."""
    for key in ("changed", "gone", "left"):
        shops.put(key, old)
    shops.run()
    shops.put("changed", old[::-1])
    shops.put("new", old[::-1])
    (shops.folder / "gone").unlink()
    manifest = shops.planned("sync")
    run_job(manifest.jobs[0].uri, workers=1)
    studio = open_store(str(shops.root / "studio"))
    studio.delete_all([one.key for one in studio.list("work/") if "/outcomes/" in one.key])
    standing = shops.uploaded()
    report = shops.finished(manifest)
    assert (report.ok, counts(report)) == (True, {"done": 3, "skipped": 1}), reasons(report)
    assert shops.uploaded() == standing == {"changed": old[::-1], "new": old[::-1], "left": old}
    assert shops.aside() == {"changed": old, "gone": old}
    assert counts(shops.run("sync")) == {"skipped": 3}


def test_an_interrupted_run_is_ended_by_the_next_one_and_nothing_goes_twice(
    shops: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops.fill(6)
    doing, done = Line.do, []

    def some(line: Line, item: Any) -> Any:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(item.key)
        return doing(line, item)

    with monkeypatch.context() as patch:
        patch.setattr(Line, "do", some)
        with pytest.raises(KeyboardInterrupt):
            shops.run()
    first = {entry.key: entry.etag for entry in shops.target.list()}
    assert 0 < len(first) < 6
    report = shops.run()
    assert (report.ok, len(shops.uploaded())) == (True, 6)
    assert first.items() <= {entry.key: entry.etag for entry in shops.target.list()}.items()
    assert shops.aside() == {}
