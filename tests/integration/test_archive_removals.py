"""`archive and remove`: only a copy that is known, stands as it was written, and of which a version is proven."""

from typing import Any

import pytest

from darkroom.archive.flow import FLOW
from darkroom.archive.mirror import Mirror
from darkroom.archive.pairs import Removed
from darkroom.archive.versions import Archive
from darkroom.errors import StoreError
from darkroom.flows import Run
from darkroom.guards import Guards
from darkroom.planning import plan
from darkroom.runs import finish
from tests.archive_world import World

OLD, THEIRS = b"the old scan" * 40, b"somebody else's"


@pytest.fixture
def world(mirrored_clouds: World) -> World:
    """Two objects that are mirrored, one of which is gone since."""
    world = mirrored_clouds
    world.set(removed=Removed.REMOVE, guards=Guards(objects=10, percent=50))
    for key in ("a.tif", "b.tif"):
        world.source.write(key, OLD)
    assert world.archive().ok
    world.source.delete("a.tif")
    return world


def test_what_somebody_wrote_there_since_the_plan_stands(world: World) -> None:
    manifest = plan(FLOW, world.request(), Run("archive", "maps", here=True))
    world.mirror.write("a.tif", THEIRS)
    report = finish(manifest, workers=2)
    assert (report.failed, report.removed) == (1, 0)
    assert "somebody else wrote it since the plan" in report.not_done[0].reason
    assert world.mirrored() == {"a.tif": THEIRS, "b.tif": OLD}


def test_what_somebody_writes_there_after_the_look_stands(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    finding = Mirror._found

    def meanwhile(*given: Any) -> Any:
        found = finding(*given)
        world.mirror.write("a.tif", THEIRS)
        return found

    monkeypatch.setattr(Mirror, "_found", meanwhile)
    report = world.archive()
    assert (report.failed, report.removed) == (1, 0)
    assert "somebody else wrote it since the plan" in report.not_done[0].reason
    assert world.mirrored() == {"a.tif": THEIRS, "b.tif": OLD}


def test_what_somebody_wrote_there_before_the_plan_is_nobodys_and_stands(world: World) -> None:
    world.mirror.write("a.tif", THEIRS)
    report = world.archive()
    assert (report.ok, report.planned, report.removed) == (True, 1, 0)
    assert world.mirrored() == {"a.tif": THEIRS, "b.tif": OLD}


def test_what_the_pair_is_not_about_any_more_is_not_gone(world: World) -> None:
    world.source.write("a.jpg", OLD)
    world.source.write("maps/c.tif", OLD)
    assert world.archive().removed == 1
    world.set(files=("*.tif",))
    assert (world.archive().removed, set(world.mirrored())) == (0, {"a.jpg", "b.tif", "maps/c.tif"})
    world.set(files=(), prefix=("maps/",))
    assert (world.archive().removed, set(world.mirrored())) == (0, {"a.jpg", "b.tif", "maps/c.tif"})


def test_where_its_version_cannot_be_written_the_copy_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for entry in list(world.versions.list()):
        world.versions.delete(entry.key)

    def full(*given: Any) -> Any:
        raise StoreError("There is no room left.")

    monkeypatch.setattr(Archive, "add", full)
    report = world.archive()
    assert (report.failed, report.not_done[0].reason) == (1, "There is no room left")
    assert set(world.mirrored()) == {"a.tif", "b.tif"}
