"""The order of an overwrite is a proof: killed, cut off or lied to at any step, no version that ever stood is lost."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from darkroom.archive import mirror as mirroring
from darkroom.archive.flow import FLOW
from darkroom.archive.request import Params, request_of
from darkroom.errors import BadInput
from darkroom.runs import run_here
from darkroom.settings import settings
from darkroom.store import Entry, Reading, Store, gcs_data, open_store
from darkroom.store.folder import FolderStore
from darkroom.store.streams import PART
from darkroom.store.transfer import Move, Small
from tests.archive_world import World, contents, faults_before, world_of
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import Corrupt, CorruptUpload, Fault, Hang, Reset, Status, Truncate, slow_down

OLD, NEW = b"the old scan" * 40, b"the new scan" * 50
THEIRS, THIRD = b"somebody else's", b"the third scan" * 30


@pytest.fixture
def world(open_backend: Callable[[str], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(tmp_path / "studio"))
    return world_of(open_backend("gcs"), open_backend("radosgw"), tmp_path / "studio")


@pytest.fixture
def s3(world: World) -> Iterator[FaultProxy]:
    with faults_before("AWS_ENDPOINT_URL", world.mirror, world.versions) as proxy:
        yield proxy


@pytest.fixture
def gcs(world: World) -> Iterator[FaultProxy]:
    with faults_before("STORAGE_EMULATOR_HOST", world.source) as proxy:
        yield proxy


def steps_of_an_overwrite(world: World, s3: FaultProxy) -> range:
    """Which of S3's requests look at, archive, replace and prove an object; before them, there are only listings."""
    prepare(world)
    s3.clear()
    assert world.command().wait(60) == 0
    about = [number for number, one in enumerate(s3.seen) if "/maps/a" in one.path]
    return range(about[0], len(s3.seen))


def prepare(world: World) -> None:
    """An object whose copy somebody has overwritten, and which has changed itself."""
    for store in (world.source, world.mirror, world.versions):
        for entry in list(store.list()):
            store.delete(entry.key)
    world.source.write("maps/a.tif", OLD)
    assert world.archive().ok
    world.mirror.write("maps/a.tif", THEIRS)
    world.source.write("maps/a.tif", NEW)


def killed(world: World, s3: FaultProxy, step: int) -> None:
    """A run that hangs at that request (or the one after, where its answer is lost: nobody asks again), and then -9."""
    s3.inject(Hang(60), after=step, times=1)
    process = world.command()
    until = time.monotonic() + 30
    while not any(one.result == "Hang" for one in s3.seen) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.kill()
    process.wait()
    s3.clear()


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Hang(60), id="before it is done"),
        pytest.param(Reset("response"), id="when it is done", marks=pytest.mark.long),
    ],
)
def test_kill_at_any_step_of_an_overwrite_loses_no_version(world: World, s3: FaultProxy, fault: Fault) -> None:
    """Killed at each request in turn: before the server sees it, and when it has done it and the answer is lost."""
    steps = steps_of_an_overwrite(world, s3)
    assert len(steps) > 8
    for step in steps:
        prepare(world)
        s3.clear()
        s3.inject(fault, after=step, times=1)
        killed(world, s3, step)
        kept = world.kept("maps/a.tif")
        stands = world.mirrored()["maps/a.tif"]
        assert {OLD, THEIRS} <= {*kept, stands}, f"step {step}: nothing that ever stood there is missing"
        report = world.archive()
        assert report.ok, (step, report.not_done, report.problems)
        assert world.mirrored() == {"maps/a.tif": NEW}
        assert sorted(world.kept("maps/a.tif")) == sorted([OLD, THEIRS, NEW]), f"step {step}: each once"
        assert world.archive().skipped == 1


@pytest.mark.slow
@pytest.mark.parametrize("at", ["when the new one stands", pytest.param("any step", marks=pytest.mark.long)])
def test_an_object_that_changes_again_after_a_kill_loses_no_version_that_stood_meanwhile(
    world: World, s3: FaultProxy, at: str
) -> None:
    """What the killed run wrote stood there, though no ledger knows of it: it is archived before the third one."""
    steps = steps_of_an_overwrite(world, s3)
    written = next(step for step in steps if (one := s3.seen[step]).method == "PUT" and "/mirror/maps/a" in one.path)
    for step in steps if at == "any step" else [written + 1]:
        prepare(world)
        s3.clear()
        killed(world, s3, step)
        stood = world.mirrored()["maps/a.tif"]
        assert stood == (NEW if step > written else THEIRS), step
        world.source.write("maps/a.tif", THIRD)
        assert world.command().wait(60) == 0, "the same command, and not what the killed run had planned"
        assert world.mirrored() == {"maps/a.tif": THIRD}
        assert sorted(world.kept("maps/a.tif")) == sorted({OLD, THEIRS, stood, THIRD}), f"step {step}: each once"


@pytest.mark.parametrize("fault", [slow_down(), Reset("before"), Reset("request"), Reset("response"), CorruptUpload(9)])
def test_faults_on_the_way_to_s3_are_repeated_and_nothing_is_written_twice(
    world: World, s3: FaultProxy, fault: Fault
) -> None:
    prepare(world)
    s3.inject(fault, times=2, method="PUT")
    report = world.archive()
    assert report.ok, report.not_done
    assert report.retries
    assert world.mirrored() == {"maps/a.tif": NEW}
    assert sorted(world.kept("maps/a.tif")) == sorted([OLD, THEIRS, NEW])


@pytest.mark.parametrize("fault", [slow_down(), Reset("response"), Truncate(100), Corrupt(100)])
def test_faults_on_the_way_from_gcs_are_read_again(world: World, gcs: FaultProxy, fault: Fault) -> None:
    world.source.write("maps/a.tif", NEW)
    gcs.inject(fault, times=2, method="GET", path="[?&]generation=")
    report = world.archive()
    assert report.ok, report.not_done
    assert world.mirrored() == {"maps/a.tif": NEW}


def test_a_source_that_always_lies_is_a_failure_and_what_stood_there_still_stands(
    world: World, gcs: FaultProxy
) -> None:
    world.source.write("maps/a.tif", OLD)
    world.source.write("maps/b.tif", OLD)
    world.archive()
    for key in ("maps/a.tif", "maps/b.tif"):
        world.source.write(key, NEW)
    gcs.inject(Corrupt(50), times=1000, method="GET", path=r"a%2Etif.*generation=")
    report = world.archive()
    assert (report.done, report.failed, report.kinds) == (1, 1, {"mismatch": 1})
    assert "the MD5 " in report.not_done[0].reason
    assert " instead of " in report.not_done[0].reason
    assert world.mirrored() == {"maps/a.tif": OLD, "maps/b.tif": NEW}
    assert world.kept("maps/a.tif") == [OLD]


@pytest.mark.parametrize("place", ["mirror", "versions"])
def test_what_comes_back_with_another_hash_is_a_mismatch_with_both(world: World, s3: FaultProxy, place: str) -> None:
    """S3 says that it has stored what it was sent, and gives something else."""
    world.source.write("maps/a.tif", NEW)
    world.source.write("maps/b.tif", NEW)
    s3.inject(Corrupt(50), times=1000, method="GET", path=rf"/{place}/maps/a")
    report = world.archive()
    assert (report.done, report.failed, report.ok) == (1, 1, False)
    assert report.kinds == {"mismatch": 1}
    s3.clear()
    assert world.archive().ok
    assert world.kept("maps/a.tif") == [NEW]


def test_an_object_that_is_replaced_while_it_is_read_is_not_mixed_of_two(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.source.write("maps/a.tif", b"1" * (4 * PART))
    fetch, parts = gcs_data.download_into, 0

    def meanwhile(*given: Any) -> None:
        nonlocal parts
        fetch(*given)
        parts += 1
        if parts == 1:
            world.source.write("maps/a.tif", NEW)

    with monkeypatch.context() as patch:
        patch.setattr(gcs_data, "download_into", meanwhile)
        report = world.archive()
    assert (report.failed, world.mirrored()) == (1, {})
    assert report.not_done[0].reason.startswith("changed since plan")
    assert world.archive().ok
    assert world.mirrored() == {"maps/a.tif": NEW}


@pytest.mark.parametrize("size", [1000, PART + 1])
def test_a_file_that_is_written_to_while_it_is_read_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(tmp_path / "studio"))
    file = tmp_path / "scans" / "a.tif"
    file.parent.mkdir()
    file.write_bytes(b"1" * size)
    world = world_of(open_store(str(file.parent)), open_store(str(tmp_path / "clouds")), tmp_path / "studio")
    reading = FolderStore.open

    @contextmanager
    def meanwhile(store: FolderStore, key: str, **given: Any) -> Iterator[Reading]:
        with reading(store, key, **given) as found:
            yield found
        if key == "a.tif" and store.uri == world.source.uri:
            with file.open("r+b") as written:
                written.write(b"2")

    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "open", meanwhile)
        report = world.archive()
    assert (report.done, report.failed) == (0, 1)
    assert report.not_done[0].reason.startswith("changed since plan")
    assert world.archive().ok
    assert world.mirrored() == contents(world.source)


@pytest.mark.slow
def test_of_ten_thousand_objects_one_is_wrong_and_that_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that stores another byte than it was given, and says nothing."""
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(tmp_path / "studio"))
    source = tmp_path / "scans"
    for number in range(10_000):
        file = source / f"{number % 100:02}" / f"{number}.tif"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"scan %d" % number)
    world = world_of(open_store(str(source)), open_store(str(tmp_path / "clouds")), tmp_path / "studio")
    writing = mirroring.write_small

    def rotting(target: Store, one: Move, small: Small) -> Entry:
        entry = writing(target, one, small)
        if one.key == "17/5017.tif":
            file = tmp_path / "clouds/mirror" / one.key
            file.write_bytes(b"X" + small.data[1:])
            os.utime(file, ns=(int(entry.etag.split("-")[1], 16),) * 2)
        return entry

    with monkeypatch.context() as patch:
        patch.setattr(mirroring, "write_small", rotting)
        report = world.archive()
    assert (report.done, report.failed, report.kinds) == (9_999, 1, {"mismatch": 1})
    assert report.not_done[0].item == "maps/17/5017.tif"
    again = world.archive()
    assert (again.ok, again.done, again.skipped) == (True, 1, 9_999)
    assert contents(world.mirror) == contents(world.source)


def test_no_access_to_the_archive_only_and_nothing_is_copied(world: World, s3: FaultProxy) -> None:
    world.source.write("maps/a.tif", OLD)
    denied = Status(403, "Forbidden", b"<Error><Code>AccessDenied</Code></Error>")
    s3.inject(denied, times=1000, path="versions")
    with pytest.raises(BadInput, match="S3 refuses access"):
        world.archive()
    s3.clear()
    s3.inject(denied, times=1000, method="PUT", path="versions")
    report = world.archive()
    assert (report.done, report.failed) == (0, 1)
    assert "S3 refuses access" in report.not_done[0].reason
    s3.clear()
    assert world.archive().ok
    assert world.kept("maps/a.tif") == [OLD]


def test_a_pair_that_fails_does_not_stop_the_others(world: World) -> None:
    world.source.write("maps/a.tif", OLD)
    broken = world.pair.model_copy(update={"name": "broken", "target": "s3://no-such-bucket-at-all"})
    settings.cache_clear()
    request = request_of([broken, world.pair], Params())
    report = run_here(FLOW, request, command="archive", subject="both", workers=2)
    assert (report.done, report.ok) == (1, False)
    (problem,) = report.problems
    assert problem.startswith("broken: s3://no-such-bucket-at-all: there is no such bucket")
    assert world.mirrored() == {"maps/a.tif": OLD}
