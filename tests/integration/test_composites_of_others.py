"""Pictures beside what others put there: nothing of it is overwritten, and what is our own is known as ours."""

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from darkroom import keys, worker
from darkroom.compositing.flow import FLOW
from darkroom.compositing.request import Request
from darkroom.flows import Run
from darkroom.jobs import Manifest, Report, State
from darkroom.plan_folder import PlanFolder
from darkroom.planning import plan
from darkroom.reports import failure_text
from darkroom.runs import finish
from darkroom.settling import settle
from darkroom.store import Store
from tests.tiny import PICTURES, Tiny

THEIRS = b"somebody else's picture"
PICTURE = "renders/composites/tiny/800x800/{}.png"
NAME = "default-mini-front-0000"
TWIN = "a1-mini-front-0000"  # of an export in which both names are one picture


class Studio:
    """The tiny studio with its bucket anywhere, and its runs in this process."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.tiny, self.store = Tiny(folder), store
        self.export = folder / "x-Mini.csv"
        stack = "base_mini_bottom_front base_neckline_front,base_mini_bottom_back base_neckline_back"
        self.export.write_text(f"a1,{stack}\n")

    def plan(self, **more: object) -> Manifest:
        request = Request(
            style_file=str(self.tiny.style),
            renders=str(self.tiny.renders),
            store=self.store.uri,
            **{"lengths": ("Mini",), "colours": "0", "cuts": ("800x800", "142x142")} | more,
        )
        return plan(FLOW, request, Run("combination_compositing", "run"))

    def finish(self, manifest: Manifest) -> Report:
        return finish(manifest, workers=2)

    def run(self, **more: object) -> Report:
        return self.finish(self.plan(**more))

    def pictures(self) -> dict[str, str]:
        return {entry.key: entry.etag for entry in self.store.list("renders/composites/")}

    def forget(self, manifest: Manifest) -> None:
        """The outcomes are lost, as of a worker that was killed when it had written."""
        folder = PlanFolder.at(manifest.uri)
        for entry in list(folder.store.list("outcomes/")):
            folder.store.delete(entry.key)


# what S3 answers to the same writes, the pyramids of test_nothing_of_others.py hold in every run
S3 = [pytest.param(name, marks=pytest.mark.long) for name in ("moto", "radosgw")]


@pytest.fixture(params=["folder", *S3])
def studio(request: pytest.FixtureRequest, tmp_path: Path, open_backend: Callable[[str], Store]) -> Studio:
    return Studio(tmp_path, open_backend(request.param))


ALL = 16  # pictures of one length and colour


def test_a_file_that_nobody_made_is_refused_by_the_plan_and_the_others_are_made(studio: Studio) -> None:
    theirs = studio.store.write(PICTURE.format(NAME), THEIRS)
    manifest = studio.plan()
    assert [(item.item, item.reason) for item in manifest.refused] == [
        (NAME, f"{PICTURE.format(NAME)} stands there already and Darkroom did not make it; move it away")
    ]
    report = studio.finish(manifest)
    assert (report.ok, report.done, report.refused) == (False, ALL - 1, 1)
    assert studio.store.head(PICTURE.format(NAME)) == theirs
    assert studio.run(mode="all").refused == 1
    assert studio.store.head(PICTURE.format(NAME)) == theirs
    studio.store.delete(PICTURE.format(NAME))
    assert studio.run().ok


@pytest.mark.parametrize("export", [False, True], ids=["a picture", "one of many names"])
def test_a_file_that_is_put_there_between_plan_and_run_is_left_alone(studio: Studio, export: bool) -> None:
    more = {"combinations": (str(studio.export),)} if export else {}
    names = [NAME, TWIN] if export else [NAME]
    for name in names:
        manifest = studio.plan(**more)
        theirs = studio.store.write(PICTURE.format(name), THEIRS)
        report = studio.finish(manifest)
        assert [(item.item, item.state) for item in report.not_done] == [(name, State.REFUSED)]
        assert f"{PICTURE.format(name)} stands there and is not what Darkroom made" in failure_text(report)
        assert studio.store.head(PICTURE.format(name)) == theirs
        studio.store.delete(PICTURE.format(name))
        report = studio.run(**more)
        assert report.ok, failure_text(report)
        for key in list(studio.pictures()):
            studio.store.delete(key)


def test_what_replaced_a_picture_is_left_alone_in_every_mode_and_a_deleted_one_is_made_again(studio: Studio) -> None:
    assert studio.run().ok
    theirs = studio.store.write(PICTURE.format(NAME), THEIRS)
    lost = PICTURE.format("a1-mini-back-0000")
    studio.store.delete(lost)
    for mode, done in (("changed", 1), ("all", ALL - 1)):
        report = studio.run(mode=mode)
        assert [(item.item, item.state) for item in report.not_done] == [(NAME, State.REFUSED)]
        assert report.done == done
        assert studio.store.head(PICTURE.format(NAME)) == theirs
        assert studio.store.head(lost) is not None


def test_mode_all_makes_our_own_pictures_again(studio: Studio) -> None:
    for _ in range(2):
        report = studio.run(mode="all", combinations=(str(studio.export),))
        assert (report.ok, report.done) == (True, 4), failure_text(report)


@pytest.mark.parametrize("settled", [False, True], ids=["never settled", "settled without its outcomes"])
def test_what_a_killed_run_wrote_is_adopted_by_its_next_try_and_by_the_next_plan(studio: Studio, settled: bool) -> None:
    manifest = studio.plan()
    for job in manifest.jobs:
        worker.run_job(job.uri, workers=2)
    before = studio.pictures()
    studio.forget(manifest)
    if settled:
        settle(PlanFolder.at(manifest.uri))
    report = studio.run()
    assert (report.ok, report.done) == (True, ALL), failure_text(report)
    studio.forget(manifest)
    for job in manifest.jobs:
        assert not worker.failures(worker.run_job(job.uri, workers=2))
    assert studio.pictures() == before


def test_a_bucket_that_comes_back_from_a_backup_is_adopted(studio: Studio) -> None:
    assert studio.run().ok
    for key in studio.pictures():
        data = studio.store.read(key)
        studio.store.delete(key)
        studio.store.write(key, data)
    before = studio.pictures()
    report = studio.run()
    assert report.ok, failure_text(report)
    assert studio.pictures() == before
    assert studio.run().skipped == ALL


def test_pictures_of_lost_ledgers_are_refused_until_somebody_says_that_there_were_ledgers(studio: Studio) -> None:
    """As docs/runbooks/state-lost.md has it: what is broken in a ledger's place is one that was lost."""
    assert studio.run().ok
    ledgers = [entry.key for entry in studio.store.list("state/composites/tiny/")]
    for folder in ("state/", "work/"):
        for entry in list(studio.store.list(folder)):
            studio.store.delete(entry.key)
    studio.store.delete(PICTURE.format(NAME))
    studio.store.write(PICTURE.format(NAME), THEIRS)
    before = studio.pictures()
    assert len(studio.plan(mode="plan").refused) == ALL
    for key in ledgers:
        studio.store.write(key, b"")
    report = studio.run()
    assert (report.done, report.refused) == (ALL - 1, 1), failure_text(report)
    assert studio.pictures() == before
    assert studio.run().skipped == ALL - 1


def test_two_workers_on_one_job_do_no_harm(studio: Studio) -> None:
    for mode in ("changed", "all"):
        manifest = studio.plan(mode=mode)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(partial(worker.run_job, workers=1), [job.uri for job in manifest.jobs] * 2))
        report = studio.finish(manifest)
        assert (report.ok, report.done) == (True, ALL), failure_text(report)


def test_the_cuts_of_a_picture_that_was_refused_are_known_as_ours(studio: Studio) -> None:
    manifest = studio.plan()
    small = PICTURE.replace("800x800", "142x142").format(NAME)
    studio.store.write(small, THEIRS)
    assert studio.finish(manifest).refused == 1
    studio.store.delete(small)
    studio.tiny.repaint("base_neckline_front", 0)
    report = studio.run()
    assert report.ok, failure_text(report)


# layout content


def content_key(studio: Studio) -> str:
    index = json.loads(studio.store.read(keys.index("tiny", "800x800")))
    return keys.content("tiny", "800x800", index[NAME])


def test_what_lies_under_a_sha256_with_other_bytes_is_not_taken_for_ours(studio: Studio) -> None:
    assert studio.run(layout="content").ok
    key = content_key(studio)
    data = studio.store.read(key)
    forged = studio.store.write(key, bytes(len(data)))
    report = studio.run(layout="content")
    assert [item.state for item in report.not_done] == [State.REFUSED]
    assert f"{key} stands there and is not what Darkroom made" in failure_text(report)
    assert studio.store.head(key) == forged
    studio.store.delete(key)
    assert studio.run(layout="content").ok
    assert hashlib.sha256(studio.store.read(key)).hexdigest() in key


def test_an_index_that_somebody_put_there_is_left_alone(studio: Studio) -> None:
    key = keys.index("tiny", "142x142")
    theirs = studio.store.write(key, b'{"somebody": "else"}')
    report = studio.run(layout="content")
    assert not report.ok
    assert f"{key} stands there already and Darkroom did not make it; move it away" in failure_text(report)
    assert studio.store.head(key) == theirs
    studio.store.delete(key)
    assert studio.run(layout="content").ok
    assert NAME in json.loads(studio.store.read(key))


def test_our_own_index_is_replaced_also_after_a_kill_or_a_backup(studio: Studio) -> None:
    assert studio.run(layout="content").ok
    key = keys.index("tiny", "800x800")
    first = studio.store.read(key)
    studio.store.delete(key)
    studio.store.write(key, first)
    report = studio.run(layout="content", colours="0-1")
    assert report.ok, failure_text(report)
    second = json.loads(studio.store.read(key))
    assert len(second) == 2 * ALL
    studio.store.write(key, first)  # as if the run had been killed before it wrote the index
    assert studio.run(layout="content", colours="0-1").ok
    assert json.loads(studio.store.read(key)) == second


def test_from_one_layout_to_the_other_and_back_nothing_is_taken_for_somebody_elses(studio: Studio) -> None:
    for layout in ("names", "content", "content", "names"):
        report = studio.run(layout=layout)
        assert report.ok, failure_text(report)
        studio.tiny.repaint("base_neckline_front", 0, None) if layout == "content" else None
    assert studio.run().skipped == ALL


def test_prune_deletes_nothing_that_somebody_put_there(studio: Studio) -> None:
    assert studio.run().ok
    name = "t1-mini-front-0000"
    theirs = studio.store.write(PICTURE.format(name), THEIRS)
    studio.tiny.render("t1_neckline_front", 0).unlink()
    report = studio.run(on_missing="skip", prune=True)
    assert PICTURE.format(name) in report.stale
    assert len(report.pruned) == 4 * 2 - 1
    assert studio.store.head(PICTURE.format(name)) == theirs


def test_a_command_that_was_killed_before_it_said_so_adopts_what_it_wrote(tmp_path: Path) -> None:
    tiny = Tiny(tmp_path)
    assert tiny.composite("--length", "Mini").returncode == 0
    before = tiny.pictures()
    for path in [*tiny.out.glob("work/composite/tiny/*/outcomes/*/*"), *tiny.out.glob("state/composites/tiny/*")]:
        path.unlink()
    for name in ("report.json", "report.html", "settled.json"):
        for path in tiny.out.glob(f"work/composite/tiny/*/{name}"):
            path.unlink()
    run = tiny.composite("--length", "Mini")
    assert run.returncode == 0, run.stderr
    assert tiny.pictures() == before
    assert len(before) == PICTURES // 2
