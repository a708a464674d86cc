"""GCS mirrored in S3, on real servers: what is copied, what is kept of it, and what a run says."""

import os
from datetime import UTC, datetime
from typing import Any

import pytest

from darkroom.archive.flow import FLOW
from darkroom.archive.job import ArchiveJob
from darkroom.archive.pairs import Names, Removed
from darkroom.errors import BadInput
from darkroom.flows import Run
from darkroom.guards import Guards
from darkroom.jobs import Mode, State, parse
from darkroom.planning import plan
from darkroom.proof import Verify
from darkroom.runs import finish, run_here
from darkroom.store import read_object
from darkroom.store.s3 import S3Store
from darkroom.store.streams import PART
from tests.archive_world import World, contents
from tests.servers.fault_proxy import FaultProxy

OLD, NEW = b"the old scan" * 40, b"the new scan" * 50


@pytest.fixture
def world(mirrored_clouds: World) -> World:
    return mirrored_clouds


def test_everything_is_copied_and_archived_with_all_that_describes_it(world: World) -> None:
    described = {"Cache-Control": "max-age=60", "Content-Language": "de", "Content-Disposition": 'inline; filename="a"'}
    metadata = {"sheet": "7", "place": "Z\u00fcrich"}
    world.source.write("maps/a.tif", OLD, content_type="image/tiff", metadata=metadata, headers=described)
    world.source.write("maps/empty.tif", b"")
    world.source.write("a b+c/\u65e5\u672c.tif", b"1")
    report = world.archive()
    assert (report.ok, report.planned, report.done, report.outputs) == (True, 3, 3, 6)
    assert world.mirrored() == contents(world.source)
    for store, key in ((world.mirror, "maps/a.tif"), (world.versions, next(iter(contents(world.versions))))):
        assert world.kept("maps/a.tif") == [OLD]
        entry = store.head(key if store is world.mirror else archived(world, "maps/a.tif"))
        assert entry is not None
        assert (entry.content_type, entry.metadata, entry.headers) == ("image/tiff", metadata, described)
    assert world.kept("maps/empty.tif") == [b""]


def archived(world: World, key: str) -> str:
    stem = key.rpartition(".")[0]
    return next(entry.key for entry in world.versions.list(f"{stem}_"))


def test_a_run_over_what_has_not_changed_only_lists(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        world.source.write(f"maps/{number}.tif", b"%d" % number)
    assert world.archive().done == 5
    s3, gcs = os.environ["AWS_ENDPOINT_URL"], os.environ["STORAGE_EMULATOR_HOST"]
    with FaultProxy(s3) as before_s3, FaultProxy(gcs) as before_gcs, monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", before_s3.endpoint)
        patch.setenv("STORAGE_EMULATOR_HOST", before_gcs.endpoint)
        report = world.archive()
        assert (report.ok, report.planned, report.skipped) == (True, 5, 5)
        assert {(seen.method, seen.path.split("?")[0]) for seen in before_s3.seen} == {("GET", "/contract")}
        assert {(seen.method, seen.path.split("?")[0]) for seen in before_gcs.seen} == {
            ("GET", "/storage/v1/b/contract/o")
        }


def test_a_changed_object_replaces_its_copy_and_both_versions_are_kept(world: World) -> None:
    world.source.write("maps/a.tif", OLD)
    world.archive()
    world.source.write("maps/a.tif", NEW)
    report = world.archive()
    assert (report.ok, report.done, report.outputs) == (True, 1, 2), "the one before is in the archive already"
    assert {name: group.done for name, group in report.groups.items()} == {"maps: changed": 1}
    (said,) = report.findings
    assert said.startswith("maps/maps/a.tif: It was replaced; what stood there is maps/a_")
    assert world.mirrored() == {"maps/a.tif": NEW}
    assert world.kept("maps/a.tif") == [OLD, NEW]
    assert world.archive().skipped == 1


def test_the_same_bytes_again_are_no_change(world: World) -> None:
    world.source.write("a.tif", OLD)
    world.archive()
    world.source.write("a.tif", OLD)
    assert world.archive().skipped == 1
    assert world.kept("a.tif") == [OLD]


def test_what_stands_there_and_nobody_knows_is_archived_before_it_is_replaced(world: World) -> None:
    world.mirror.write("a.tif", b"theirs")
    world.mirror.write("same.tif", NEW)
    world.mirror.write("other.tif", b"of no object")
    world.source.write("a.tif", NEW)
    world.source.write("same.tif", NEW)
    same = world.mirror.head("same.tif")
    report = world.archive()
    assert (report.ok, report.done) == (True, 2)
    assert world.mirrored() == {"a.tif": NEW, "same.tif": NEW, "other.tif": b"of no object"}
    assert sorted(world.kept("a.tif")) == sorted([b"theirs", NEW])
    assert world.kept("same.tif") == [NEW]
    assert world.mirror.head("same.tif") == same, "it was the same already, and is not written again"
    assert report.bytes == len(NEW) * 3 + len(b"theirs")


def test_what_the_job_before_archived_is_found_by_its_hash_and_not_archived_again(world: World) -> None:
    world.mirror.write("maps/a.tif", OLD)
    world.versions.write("maps/a_2021-03-04-05-06-07-UTC.tif", OLD)
    world.source.write("maps/a.tif", NEW)
    assert world.archive().ok
    assert world.kept("maps/a.tif") == [OLD, NEW]


def test_what_somebody_wrote_since_the_plan_is_not_touched_and_kept_by_the_next_run(world: World) -> None:
    world.source.write("a.tif", OLD)
    world.archive()
    world.source.write("a.tif", NEW)
    manifest = plan(FLOW, world.request(), Run("archive", "maps", here=True))
    world.mirror.write("a.tif", b"theirs")
    report = finish(manifest, workers=2)
    assert (report.failed, report.ok) == (1, False)
    assert "somebody else wrote it since the plan" in report.not_done[0].reason
    assert world.mirrored() == {"a.tif": b"theirs"}
    assert world.archive().ok
    assert world.mirrored() == {"a.tif": NEW}
    assert sorted(world.kept("a.tif")) == sorted([OLD, b"theirs", NEW])


@pytest.mark.parametrize("size", [1, PART + 1], ids=["small", "large"])
@pytest.mark.parametrize("stood", [True, False], ids=["another", "nothing"])
def test_what_somebody_writes_between_the_look_and_the_write_is_not_touched(
    world: World, monkeypatch: pytest.MonkeyPatch, stood: bool, size: int
) -> None:
    """Whether another object or nothing stood there before."""
    world.source.write("a.tif", OLD)
    if stood:
        world.archive()
    world.source.write("a.tif", NEW[:1] * size)
    writing = S3Store.write

    def meanwhile(store: S3Store, key: str, *given: Any, **more: Any) -> Any:
        if (store.uri, key) == (world.mirror.uri, "a.tif"):
            writing(store, key, b"theirs")
        return writing(store, key, *given, **more)

    with monkeypatch.context() as patch:
        patch.setattr(S3Store, "write", meanwhile)
        report = world.archive()
    assert (report.failed, report.not_done[0].state) == (1, State.FAILED)
    assert "somebody else wrote it since the plan" in report.not_done[0].reason
    assert world.mirrored() == {"a.tif": b"theirs"}
    assert (OLD in world.kept("a.tif")) == stood


def test_an_object_that_changes_after_the_plan_is_a_failure_and_the_next_run_copies_it(world: World) -> None:
    world.source.write("a.tif", OLD)
    world.source.write("b.tif", OLD)
    manifest = plan(FLOW, world.request(), Run("archive", "maps", here=True))
    world.source.write("a.tif", NEW)
    report = finish(manifest, workers=2)
    assert (report.done, report.failed) == (1, 1)
    assert report.not_done[0].reason.startswith("changed since plan")
    assert world.archive().ok
    assert world.mirrored() == contents(world.source)
    assert world.kept("a.tif") == [NEW]


def test_names_that_collide_when_flattened_are_refused_and_both_are_named(world: World) -> None:
    world.set(names=Names.FLATTENED)
    for key in ("a/b", "a_b", "maps/1890/c.tif"):
        world.source.write(key, key.encode())
    report = world.archive()
    assert (report.done, report.refused) == (1, 2)
    assert {one.item: one.reason for one in report.not_done} == {
        "maps/a/b": "a_b would have the same copy, a_b",
        "maps/a_b": "a/b would have the same copy, a_b",
    }
    assert world.mirrored() == {"maps_1890_c.tif": b"maps/1890/c.tif"}
    assert world.kept("maps_1890_c.tif") == [b"maps/1890/c.tif"]


def test_without_an_archive_what_is_new_is_copied_and_nothing_is_ever_replaced(world: World) -> None:
    world.set(archive="")
    world.source.write("a.tif", OLD)
    world.mirror.write("theirs.tif", b"theirs")
    world.source.write("theirs.tif", NEW)
    world.mirror.write("same.tif", OLD)
    world.source.write("same.tif", OLD)
    report = world.archive()
    assert (report.done, report.refused) == (2, 1)
    assert "without one nothing is replaced" in report.not_done[0].reason
    world.source.write("a.tif", NEW)
    again = world.archive()
    assert (again.skipped, again.refused) == (1, 2)
    assert world.mirrored() == {"a.tif": OLD, "same.tif": OLD, "theirs.tif": b"theirs"}
    assert contents(world.versions) == {}


def test_two_pairs_with_one_mirror_do_not_take_each_others_copies(world: World) -> None:
    """Else each hour would put the other one's object there."""
    world.set(names=Names.LAST_PART, prefix=("maps/",))
    prints = world.pair.model_copy(update={"name": "prints", "prefix": ("prints/",)})
    world.source.write("maps/a.tif", OLD)
    world.source.write("prints/a.tif", NEW)
    assert world.archive().ok
    request = world.request().model_copy(update={"pairs": (world.pair, prints)})
    report = run_here(FLOW, request, command="archive", subject="both", workers=2)
    assert (report.skipped, report.refused) == (1, 1)
    assert "maps/a.tif of the pair maps has the same copy, a.tif" in report.not_done[0].reason
    assert world.mirrored() == {"a.tif": OLD}


def test_a_prefix_is_no_folder(world: World) -> None:
    for key in ("maps/1890", "maps/1891/a", "maps/19", "mapsheet"):
        world.source.write(key, key.encode())
    world.set(prefix=("maps/18",))
    assert world.archive().done == 2
    assert sorted(world.mirrored()) == ["maps/1890", "maps/1891/a"]
    with pytest.raises(BadInput, match="a prefix is a GCS prefix, not a folder; write 'maps/'"):
        world.archive(prefix="/maps/")


def test_a_source_that_suddenly_lists_nothing_stops_the_pair(world: World) -> None:
    world.source.write("a.tif", OLD)
    world.set(removed=Removed.REMOVE, guards=Guards(objects=1000, percent=100))
    world.archive()
    world.source.delete("a.tif")
    with pytest.raises(BadInput, match=r"lists nothing, though 1 copies of its objects are known in .*nothing is done"):
        world.archive()
    assert world.mirrored() == {"a.tif": OLD}


def test_what_is_gone_is_reported_and_stays(world: World) -> None:
    for key in ("a.tif", "b #1.tif"):
        world.source.write(key, OLD)
    world.archive()
    world.source.delete("a.tif")
    report = world.archive()
    assert (report.ok, report.stale) == (True, ("a.tif",))
    assert "maps: 1 object gone from the source, of which the copies stay: a.tif." in report.findings
    assert set(world.mirrored()) == {"a.tif", "b #1.tif"}


def test_what_is_gone_is_removed_only_where_the_pair_says_so_and_a_version_of_it_stays(world: World) -> None:
    for key in ("a.tif", "b.tif"):
        world.source.write(key, OLD)
    world.set(removed=Removed.REMOVE, guards=Guards(objects=10, percent=50))
    world.archive()
    for entry in list(world.versions.list()):
        world.versions.delete(entry.key)  # somebody tidied up
    world.source.delete("a.tif")
    report = world.archive()
    assert (report.ok, report.done, report.removed) == (True, 1, 1)
    assert set(world.mirrored()) == {"b.tif"}
    assert world.kept("a.tif") == [OLD]
    assert world.archive().planned == 1, "the ledger has forgotten it"


@pytest.mark.parametrize("guards", [Guards(objects=1, percent=100), Guards(objects=100, percent=50)])
def test_more_than_the_guards_allow_is_not_removed(world: World, guards: Guards) -> None:
    for key in ("a.tif", "b.tif", "c.tif"):
        world.source.write(key, OLD)
    world.set(removed=Removed.REMOVE, guards=guards)
    world.archive()
    world.source.delete("a.tif")
    world.source.delete("b.tif")
    report = world.archive()
    assert not report.ok
    assert any(
        "its guards let no more than 1 of 3 copies be removed: none is (a.tif, b.tif)" in one for one in report.problems
    )
    assert set(world.mirrored()) == {"a.tif", "b.tif", "c.tif"}


def test_copies_that_somebody_took_away_count_in_no_guard(world: World) -> None:
    """Of four known copies two stand: one of them is a half, and more than is allowed."""
    for key in ("a.tif", "b.tif", "c.tif", "d.tif"):
        world.source.write(key, OLD)
    world.set(removed=Removed.REMOVE, guards=Guards(objects=10, percent=40))
    world.archive()
    for key in ("c.tif", "d.tif"):
        world.source.delete(key)
        world.mirror.delete(key)
    world.source.delete("a.tif")
    (said,) = world.archive().problems
    assert "its guards let no more than 0 of 2 copies be removed: none is (a.tif)" in said


def test_mode_all_proves_every_copy_and_every_version_anew(world: World) -> None:
    for key in ("a.tif", "b.tif"):
        world.source.write(key, OLD)
    world.archive()
    report = world.archive(Mode.ALL)
    assert (report.ok, report.done, report.outputs) == (True, 2, 0)
    world.versions.delete(archived(world, "a.tif"))
    report = world.archive(Mode.ALL)
    assert (report.ok, report.outputs) == (True, 1)
    assert world.kept("a.tif") == [OLD]


def test_the_stores_checksum_is_enough_where_the_pair_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.set(verify=Verify.CHECKSUM)
    world.source.write("a.tif", OLD)
    with FaultProxy(os.environ["AWS_ENDPOINT_URL"]) as proxy, monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        assert world.archive().ok
        read = [one for one in proxy.seen if one.method == "GET" and "/mirror/" in one.path]
    assert len(read) <= 1, "at most for the archive's copy, where the service does not copy conditionally"
    assert world.kept("a.tif") == [OLD]


def test_a_job_says_which_stores_it_writes_to(world: World) -> None:
    """So that a container's worker may write there, be they folders."""
    world.source.write("a.tif", OLD)
    manifest = plan(FLOW, world.request(), Run("archive", "maps", here=True))
    job = parse(ArchiveJob, read_object(manifest.jobs[0].uri), "the job")
    assert (job.output_store, job.written) == (world.mirror.uri, (world.versions.uri,))
    assert set(job.locations) == {job.store, world.source.uri, world.mirror.uri, world.versions.uri}


def test_the_version_has_the_objects_own_time(world: World) -> None:
    world.source.write("maps/a.tif", OLD)
    entry = world.source.head("maps/a.tif")
    assert entry is not None
    world.archive()
    assert entry.modified.strftime("%Y-%m-%d-%H-%M-%S-UTC") in archived(world, "maps/a.tif")
    assert entry.modified <= datetime.now(UTC)
