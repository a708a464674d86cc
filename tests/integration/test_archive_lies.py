"""A service that gives other bytes than it says: no run takes them for a copy or a version, the next one neither."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from darkroom.archive.names import version_key
from darkroom.archive.pairs import Removed
from darkroom.archive.versions import Archive
from darkroom.guards import Guards
from darkroom.jobs import Mode, Report
from darkroom.proof import Verify
from darkroom.store import open_store
from darkroom.store.hashes import hash_bytes
from darkroom.store.streams import PART
from tests.archive_world import World, contents, faults_before, world_of
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import Corrupt

OLD, NEW = b"the old scan" * 40, b"the new scan" * 50
KEY = "maps/a.tif"


@pytest.fixture
def world(mirrored_clouds: World) -> World:
    return mirrored_clouds


@pytest.fixture
def s3(world: World) -> Iterator[FaultProxy]:
    with faults_before("AWS_ENDPOINT_URL", world.mirror, world.versions) as proxy:
        yield proxy


def lie(s3: FaultProxy, place: str) -> None:
    """From now on a byte of an object there is another one, under the right size and ETag."""
    s3.inject(Corrupt(50), times=10_000, method="GET", path=rf"/{place}/maps/a")


def forget(world: World) -> None:
    """What the ledgers know is lost, as it is of what a killed run wrote."""
    (world.studio / "state").rename(world.studio / "lost")


def is_mismatch(report: Report) -> bool:
    return (report.done, report.failed, report.kinds) == (0, 1, {"mismatch": 1})


def test_a_copy_that_comes_back_wrong_is_a_mismatch_in_each_run_until_it_is_taken_away(
    world: World, s3: FaultProxy
) -> None:
    """Its ETag is the right one: by that alone the next run would take it for done."""
    world.source.write(KEY, NEW)
    lie(s3, "mirror")
    assert is_mismatch(world.archive())
    again = world.archive()
    assert is_mismatch(again)
    assert " instead of " in again.not_done[0].reason
    s3.clear()
    world.mirror.delete(KEY)
    assert world.archive().ok
    assert (world.mirrored(), world.kept(KEY)) == ({KEY: NEW}, [NEW])
    assert world.archive().skipped == 1


@pytest.mark.parametrize("verify", Verify)
def test_what_no_ledger_knows_is_read_before_it_is_taken_for_done(world: World, s3: FaultProxy, verify: Verify) -> None:
    world.set(verify=verify)
    world.source.write(KEY, NEW)
    assert world.archive().ok
    forget(world)
    lie(s3, "mirror")
    assert is_mismatch(world.archive()) == (verify is Verify.READ_BACK), "the store's checksum asks for its word only"


@pytest.mark.parametrize("verify", Verify)
def test_nothing_is_replaced_upon_a_version_of_which_only_the_archive_says_that_it_is_the_right_one(
    world: World, s3: FaultProxy, verify: Verify
) -> None:
    world.set(verify=verify)
    world.source.write(KEY, OLD)
    assert world.archive().ok
    forget(world)
    world.source.write(KEY, NEW)
    lie(s3, "versions")
    if verify is Verify.CHECKSUM:
        assert world.archive().ok
        return
    assert is_mismatch(world.archive())
    assert world.mirrored() == {KEY: OLD}
    s3.clear()
    assert world.archive().ok
    assert (world.mirrored(), world.kept(KEY)) == ({KEY: NEW}, [OLD, NEW])


def test_nothing_is_removed_upon_such_a_version_either(world: World, s3: FaultProxy) -> None:
    world.set(removed=Removed.REMOVE, guards=Guards(objects=10, percent=50))
    for key in (KEY, "maps/b.tif"):
        world.source.write(key, OLD)
    assert world.archive().ok
    for file in (world.studio / "state/archive/versions").rglob("*.json"):
        file.unlink()
    world.source.delete(KEY)
    lie(s3, "versions")
    assert is_mismatch(world.archive())
    assert set(world.mirrored()) == {KEY, "maps/b.tif"}
    s3.clear()
    assert world.archive().removed == 1


@pytest.mark.parametrize("step", ["replaced", "removed"])
def test_what_somebody_writes_while_it_is_archived_is_told_as_that_and_stands(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    world.set(removed=Removed.REMOVE, guards=Guards(objects=10, percent=50))
    for key in (KEY, "maps/b.tif"):
        world.source.write(key, OLD)
    assert world.archive().ok
    for entry in list(world.versions.list()):
        world.versions.delete(entry.key)
    if step == "replaced":
        world.source.write(KEY, NEW)
    else:
        world.source.delete(KEY)
    adding = Archive.add

    def meanwhile(*given: Any) -> Any:
        world.mirror.write(KEY, b"theirs")
        return adding(*given)

    monkeypatch.setattr(Archive, "add", meanwhile)
    report = world.archive()
    assert (report.done, report.failed) == (0, 1)
    assert "somebody else wrote it since the plan" in report.not_done[0].reason
    assert world.mirrored()[KEY] == b"theirs"


def test_mode_all_reads_every_version_too(world: World, s3: FaultProxy) -> None:
    world.source.write(KEY, NEW)
    assert world.archive().ok
    lie(s3, "versions")
    assert world.archive().skipped == 1
    assert is_mismatch(world.archive(Mode.ALL))


def test_a_byte_that_rots_on_a_disk_is_found_by_mode_all_and_not_covered_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder knows no hash that would tell: the ledger does."""
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(tmp_path / "studio"))
    world = world_of(open_store(str(tmp_path / "scans")), open_store(str(tmp_path / "clouds")), tmp_path / "studio")
    world.source.write(KEY, OLD)
    assert world.archive().ok
    file = tmp_path / "clouds/mirror" / KEY
    before = file.stat()
    with file.open("r+b") as written:
        written.write(b"T")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert is_mismatch(world.archive(Mode.ALL))
    assert world.mirrored() == {KEY: b"T" + OLD[1:]}
    assert world.kept(KEY) == [OLD]


@pytest.mark.parametrize("size", [len(NEW), PART + 1])
def test_what_others_put_under_a_versions_name_is_a_mismatch_and_stays(world: World, size: int) -> None:
    data = NEW[:1] * size
    world.source.write(KEY, data)
    entry = world.source.head(KEY)
    assert entry
    version = version_key(KEY, entry.modified, hash_bytes(data, "md5").md5)
    world.versions.write(version, b"others'")
    assert is_mismatch(world.archive())
    assert contents(world.versions) == {version: b"others'"}


def test_a_version_that_somebody_wrote_over_is_none(world: World) -> None:
    """Though a ledger knows of one by that name."""
    world.source.write(KEY, OLD)
    assert world.archive().ok
    (version,) = world.versions.list()
    world.versions.write(version.key, b"X" + OLD[1:])
    world.source.write(KEY, NEW)
    world.archive()
    assert OLD in {*world.kept(KEY), *world.mirrored().values()}


def test_a_version_has_the_time_since_which_it_stood_there(world: World) -> None:
    """Of what is the object's own content its own time, of what nobody knows that of its upload."""
    for key in ("same.tif", "theirs.tif"):
        world.mirror.write(key, OLD)
    time.sleep(1.1)
    world.source.write("same.tif", OLD)
    world.source.write("theirs.tif", NEW)
    stood, own = world.mirror.head("theirs.tif"), world.source.head("same.tif")
    assert stood
    assert own
    assert world.archive().ok
    names = {one.key for one in world.versions.list()}
    md5 = hash_bytes(OLD, "md5").md5
    assert version_key("same.tif", own.modified, md5) in names
    assert version_key("theirs.tif", stood.modified, md5) in names
