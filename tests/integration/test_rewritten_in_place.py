"""A render that is rewritten in place, its size and date kept, is seen; one that only got another name is not made."""

import json
import os
from pathlib import Path

import pytest

from darkroom.store import open_store
from tests.tiny import PICTURES, Tiny

LAYER = "t1_neckline_front"


@pytest.fixture
def made(tmp_path: Path) -> Tiny:
    """All pictures are made; two renders of one layer have one size, and so no size tells them apart."""
    studio = Tiny(tmp_path, 60)
    one, other = studio.render(LAYER, 0), studio.render(LAYER, 1)
    longest = max(one.stat().st_size, other.stat().st_size)
    for file in (one, other):
        file.write_bytes(file.read_bytes().ljust(longest, b"\0"))  # behind a PNG's end
    assert studio.run().done == PICTURES
    return studio


def rewrite_in_place(studio: Tiny) -> None:
    """The other colour's picture into the same file: inode, size and date stay."""
    file = studio.render(LAYER, 0)
    before = file.stat()
    with file.open("r+b") as handle:
        handle.write(studio.render(LAYER, 1).read_bytes())
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    kept = ("st_size", "st_mtime_ns", "st_ino")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]


def done(studio: Tiny) -> tuple[int, int]:
    report = studio.run()
    return report.done, report.skipped


@pytest.mark.parametrize("deep", [False, True])
def test_a_render_that_was_rewritten_in_place_is_found_by_verify(made: Tiny, deep: bool) -> None:
    assert made.verified(deep=deep).ok
    rewrite_in_place(made)
    found = made.verified(deep=deep).findings
    assert {one.reason.partition(":")[0] for one in found} == {"a render has changed"}


def test_where_no_date_tells_it_a_deep_look_does(made: Tiny) -> None:
    """As on a file system that keeps no ctime: the version that is known is that of the new content."""
    rewrite_in_place(made)
    state = made.out / "state" / "renders" / "tiny.json"
    known = json.loads(state.read_bytes())
    store = open_store(str(made.renders))
    for entry in store.list():
        known["inputs"][store.uri_of(entry.key)]["etag"] = entry.version
    state.write_text(json.dumps(known))
    assert made.verified().ok
    run = made.verify("--deep")
    assert run.returncode == 1
    assert "a render has changed" in run.stderr


def test_its_pictures_are_made_again_and_no_others(made: Tiny) -> None:
    rewrite_in_place(made)
    drawn = PICTURES // 2 // 2 // 2  # one side, one colour, and half of the combinations have the code
    assert done(made) == (drawn, PICTURES - drawn)
    assert made.verified(deep=True).ok
    assert done(made) == (0, PICTURES)


@pytest.mark.parametrize("deep", [False, True])
def test_a_render_that_got_another_name_or_other_rights_is_the_same(made: Tiny, deep: bool) -> None:
    os.link(made.render(LAYER, 0), made.folder / "backup.png")
    made.render(LAYER, 1).chmod(0o640)
    assert made.verified(deep=deep).ok
    assert done(made) == (0, PICTURES)


def test_the_version_of_an_input_changes_where_its_etag_cannot(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    first = store.write("a", b"one")
    file = tmp_path / "a"
    before = file.stat()
    file.open("r+b").write(b"two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = store.head("a")
    assert second is not None
    assert (second.etag, second.version != first.version) == (first.etag, True)
    (listed,) = store.list()
    with store.open("a") as reading:
        assert listed.version == reading.entry.version == second.version
