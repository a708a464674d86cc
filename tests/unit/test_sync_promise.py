"""A dry run's plan and what there is to do now, compared line by line, however many files there are."""

import tracemalloc
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from darkroom.errors import BadInput
from darkroom.figures import REFERENCE
from darkroom.flows import Draft
from darkroom.jobs import Mode, Report
from darkroom.sync.decision import Action
from darkroom.sync.dry_run import SyncReport, lines, write_report
from darkroom.sync.job import SyncItem, item_name
from darkroom.sync.profiles import Profile
from darkroom.sync.promise import require_same_plan
from darkroom.sync.share import Part, Share, items_of

PROFILE = Profile(name="shops", source="/mnt/shops", target="s3://shop-pictures")
REPORT = Report(
    title="Sync", flow="sync", noun="file", mode=Mode.PLAN, plan="", created=datetime.now(UTC), planned=0, done=0,
    skipped=0, refused=0, failed=0, todo=0, distinct=None, outputs=0, bytes=0, seconds=0.0, groups={}, not_done=(),
    problems=(), findings=(), stale=(), pruned=(), versions={},
)  # fmt: skip


def drafted(keys: Sequence[str], refused: Sequence[str] = ()) -> Draft[Part]:
    share = Share(PROFILE, REFERENCE)
    for key in keys:
        name = item_name(PROFILE.name, key)
        share.make(SyncItem(name=name, profile=PROFILE.name, action=Action.UPLOAD, key=key, bytes=9, version="9.1.1.1"))
    for key in refused:
        share.refuse(key, "it is empty")
    return Draft(title="", output_store=PROFILE.target, todo=share.todo, refused=share.refused)


def written(into: Path, draft: Draft[Part]) -> str:
    """A dry run's report, from the draft that it is told from."""
    told = lines(((item, None) for item in items_of(draft.todo)), draft.refused, draft.stale, "shops/")
    with into.open("wb") as text:
        write_report(text, SyncReport(source=PROFILE.source, target=PROFILE.target, report=REPORT), told)
    return str(into)


def test_the_order_in_which_files_were_refused_is_no_change(tmp_path: Path) -> None:
    """A warm cache refuses some while the folder is walked, of which only a look told before."""
    plan = written(tmp_path / "report.json", drafted(["a", "b"], ["d", "c"]))
    require_same_plan(plan, drafted(["a", "b"], ["c", "d"]), PROFILE.name)


@pytest.mark.parametrize(
    ("now", "refused", "said"),
    [
        (["b"], [], "in 1 file (a)"),
        (["a"], [], "in 1 file (b)"),
        (["a", "b", "c"], [], "in 1 file (c)"),
        (["a"], ["b"], "in 1 file (b)"),
        ([], [], "in 2 files (a, b)"),
        (list("bcdefg"), ["0"], "in 7 files (0, a, c, d, e, ...)"),
        (["a", "b", *(f"c/{number:04}" for number in range(998))], [], "in 998 files (c/0000, c/0001, "),
        (["a", "b", *(f"c/{number:04}" for number in range(5000))], [], "in 1,000 files or more (c/0000, c/0001, "),
    ],
)
def test_each_file_of_which_something_else_is_said_counts_once(
    tmp_path: Path, now: Sequence[str], refused: Sequence[str], said: str
) -> None:
    plan = written(tmp_path / "report.json", drafted(["a", "b"]))
    with pytest.raises(BadInput) as caught:
        require_same_plan(plan, drafted(now, refused), PROFILE.name)
    assert said in str(caught.value)


def test_memory_does_not_grow_with_the_plan(tmp_path: Path) -> None:
    draft = drafted([f"stores/shop-{number:06}/photos/1.jpg" for number in range(20_000)])
    plan = written(tmp_path / "report.json", draft)
    assert (tmp_path / "report.json").stat().st_size > 1 << 20
    tracemalloc.start()
    try:
        require_same_plan(plan, draft, PROFILE.name)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
