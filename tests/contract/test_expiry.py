"""Old runs leave a folder store after their time, whole, and nothing else does."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from darkroom import keys
from darkroom.errors import Denied, StoreError
from darkroom.store import expiry, open_store
from darkroom.store.expiry import expire

MONTH = timedelta(days=30)
LATER = datetime.now(UTC) + timedelta(days=31)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "studio"


@pytest.fixture
def store(root):
    opened = open_store(str(root))
    for key in (
        "work/dag/run/plan/plan.json",
        "work/dag/run/plan/jobs/1.json",
        "work/dag/run/collected.json",
        "work/other/run/plan/plan.json",
        "work/museum/file/md5",
        "work/readme",
        "work/dag/readme",
        "state/dag/run/a.json",
        "renders/raw/style/a.png",
    ):
        opened.write(key, b"1")
    return opened


def below(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_nothing_goes_before_its_time(store, root):
    before = below(root)
    assert expire(store, keys.WORK, older_than=MONTH) == 0
    assert below(root) == before


def test_old_runs_go_with_the_folders_that_they_leave_empty_and_nothing_else(store, root):
    (root / "work/empty/run/plan/jobs").mkdir(parents=True)
    old = (datetime.now(UTC) - MONTH).timestamp()
    for folder in ("work/empty/run/plan", "work/empty/run", "work/empty"):
        os.utime(root / folder, (old, old))
    assert expire(store, keys.WORK, older_than=MONTH, now=LATER) == 4
    assert sorted(entry.key for entry in store.list()) == [
        "renders/raw/style/a.png",
        "state/dag/run/a.json",
        "work/dag/readme",
        "work/readme",
    ]
    assert below(root / "work") == ["dag", "dag/readme", "readme"]


def test_a_plan_stays_whole_as_long_as_anything_in_it_is_young(store, root):
    old = (LATER - MONTH - timedelta(days=1)).timestamp()
    before = below(root / "work/dag")
    for young in ("jobs/1.json", "../collected.json"):
        os.utime(root / "work/dag/run/plan" / young, (LATER.timestamp(), LATER.timestamp()))
    os.utime(root / "work/dag/run/plan/plan.json", (old, old))
    assert expire(store, keys.WORK, older_than=MONTH, now=LATER) == 2
    assert below(root / "work/dag") == before
    assert not (root / "work/other").exists()


def test_of_a_commands_plans_the_old_ones_go(store, root):
    """`darkroom composite` keeps those of a style in one folder, which is never old while somebody works on it."""
    for plan in ("1", "2"):
        store.write(f"work/composite/style/{plan}/plan.json", b"1")
    young = LATER.timestamp()
    os.utime(root / "work/composite/style/2/plan.json", (young, young))
    assert expire(store, keys.WORK, older_than=MONTH, now=LATER) == 4
    assert [entry.key for entry in store.list("work/composite/")] == ["work/composite/style/2/plan.json"]
    assert below(root / "work/composite/style") == ["2", "2/plan.json"]


def test_links_are_not_followed(store, root, tmp_path):
    (tmp_path / "elsewhere/deep").mkdir(parents=True)
    (tmp_path / "elsewhere/deep/kept").write_bytes(b"1")
    (root / "work/dag/link").symlink_to(tmp_path / "elsewhere")
    (root / "work/dag/run/link").symlink_to(tmp_path / "elsewhere")
    (root / "work/linked").symlink_to(tmp_path / "elsewhere")
    expire(store, keys.WORK, older_than=MONTH, now=LATER)
    assert (tmp_path / "elsewhere/deep/kept").exists()
    assert (root / "work/dag/link").is_symlink()
    assert not (root / "work/dag/run").exists()


def test_what_is_written_in_the_last_moment_stays(store, root, monkeypatch):
    looked = expiry._newest
    answers = iter([1.0])
    monkeypatch.setattr(expiry, "_newest", lambda folder: next(answers, None) or looked(folder))
    assert expire(store, "work/", older_than=MONTH) == 0
    assert (root / "work/dag/run/plan/plan.json").exists()
    assert not list(root.rglob(".darkroom-*"))


def test_what_is_half_removed_is_hidden_and_goes_next_time(store, root, monkeypatch):
    def killed(path: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(expiry.shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            expire(store, keys.WORK, older_than=MONTH, now=LATER)
    assert len(list(store.list(keys.WORK))) < 6
    assert all(".darkroom-" not in entry.key for entry in store.list())
    expire(store, keys.WORK, older_than=MONTH, now=LATER)
    assert below(root / "work") == ["dag", "dag/readme", "readme"]


def test_what_may_not_be_removed_is_said(store, root, monkeypatch):
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(Denied, match="may not have it removed"):
        expire(store, keys.WORK, older_than=MONTH, now=LATER)


@pytest.mark.parametrize("prefix", ["", "/", "work"])
def test_only_what_lies_below_a_folder_gets_old(store, root, prefix):
    before = below(root)
    with pytest.raises(StoreError, match="name one, such as 'work/'"):
        expire(store, prefix, older_than=MONTH, now=LATER)
    assert below(root) == before


def test_a_bucket_is_left_to_its_rules(open_backend):
    bucket = open_backend("moto")
    bucket.write("work/dag/run/plan/plan.json", b"1")
    assert expire(bucket, keys.WORK, older_than=timedelta(0), now=LATER) == 0
    assert bucket.head("work/dag/run/plan/plan.json")
