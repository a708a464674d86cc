"""What `verify` calls current is what the next run leaves alone: both look at the renders as they lie now."""

from pathlib import Path

import pytest

from darkroom.jobs import Mode
from tests import renders
from tests.tiny import PICTURES, Tiny

CUTS = 4


@pytest.fixture
def made(tmp_path: Path) -> Tiny:
    """All pictures are made; of each file, one in the folder `fresh` would count instead."""
    studio = Tiny(tmp_path, 60)
    studio.style.write_text(studio.style.read_text().replace("source_folders: [", 'source_folders: ["fresh", '))
    assert studio.run().done == PICTURES
    assert (stale(studio), todo(studio)) == (0, 0)
    return studio


def stale(studio: Tiny) -> int:
    """How many files `verify` calls stale."""
    found = [one.kind for one in studio.verified().findings]
    assert set(found) <= {"stale"}
    return len(found)


def todo(studio: Tiny) -> int:
    """How many pictures a run would make, or refuses for a render that is gone."""
    planned = studio.run(Mode.PLAN)
    assert planned.planned == PICTURES
    return planned.todo + planned.refused


def test_a_layer_that_is_delivered_for_a_condition(made: Tiny) -> None:
    """A quarter of the pictures has both codes; at the back, the code draws nothing any more."""
    renders.draw(made.renders / "Render PNG's", ["t1_for_b1_neckline_front"], [0, 1], made.size)
    assert todo(made) == PICTURES // 4
    assert stale(made) == todo(made) * CUTS


def test_a_render_in_an_earlier_source_folder(made: Tiny) -> None:
    """Of one side and one colour: half of the pictures has the code."""
    renders.draw(made.renders / "fresh", ["t1_neckline_front"], [0], made.size)
    assert todo(made) == PICTURES // 2 // 2 // 2
    assert stale(made) == todo(made) * CUTS


def test_a_render_that_is_taken_away_again(made: Tiny) -> None:
    """In one of two colours, at one side: half of the pictures has the code."""
    made.render("t1_neckline_front", 0).unlink()
    assert todo(made) == PICTURES // 2 // 2 // 2
    assert stale(made) == todo(made) * CUTS


def test_renders_that_nobody_can_look_at(made: Tiny) -> None:
    """Then what the last run found counts, and it is said."""
    made.renders.rename(made.folder / "elsewhere")
    made.renders.write_text("no folder")
    found = made.verified()
    assert found.ok
    assert "The renders cannot be looked at" in " ".join(found.notes)


def test_renders_that_moved_are_looked_at_where_it_is_said(made: Tiny) -> None:
    moved = made.renders.rename(made.folder / "elsewhere")
    assert {one.reason.partition(":")[0] for one in made.verified().findings} == {"a render is gone"}
    found = made.verified(renders=str(moved))
    assert {one.reason.partition(":")[0] for one in found.findings} == {"a render is new"}, "only reading would tell"
