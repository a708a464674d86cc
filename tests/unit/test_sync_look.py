"""Reading one file: all of it, of one version, whatever a drive gives at a time."""

import hashlib
from io import FileIO
from pathlib import Path
from typing import cast

import pytest

from darkroom.errors import SourceChanged
from darkroom.failures import DownloadFailed
from darkroom.sync import look as looking
from darkroom.sync.look import SteadyFile, look, opened
from darkroom.sync.rules import Checker, Rules
from darkroom.sync.scan import version_of
from tests.sync_world import photo

DATA = bytes(range(256)) * 4


class Slow(FileIO):
    """As a network drive may read: a little at a time."""

    def read(self, size: int | None = -1, /) -> bytes:
        return cast(bytes, super().read(min(size, 100) if size and size > 0 else 100))


class Gone(FileIO):
    """As a drive that went away."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "a.jpg"
    made.write_bytes(DATA)
    return made


@pytest.fixture(params=["small", "large"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "large":
        monkeypatch.setattr(looking, "SMALL", 10)
        monkeypatch.setattr(looking, "_BLOCK", 150)
    return str(request.param)


def version(file: Path) -> str:
    return version_of(file.stat())


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def test_a_file_is_read_to_its_end_and_only_a_small_one_is_kept(file: Path, size: str) -> None:
    with opened(str(file), version(file)) as handle:
        found = look(handle, len(DATA), None)
    assert (found.md5, found.data, found.reason) == (md5(DATA), DATA if size == "small" else None, "")


def test_a_drive_that_gives_less_at_a_time_gives_all_of_it(file: Path, size: str) -> None:
    with Slow(file) as slow:
        assert look(SteadyFile(slow, str(file), version(file)), len(DATA), None).md5 == md5(DATA)


@pytest.mark.parametrize("data", [DATA + b"more", DATA[:-1], DATA[::-1]])
def test_a_file_that_is_written_to_after_it_was_opened_is_told(file: Path, size: str, data: bytes) -> None:
    with opened(str(file), version(file)) as handle:
        file.write_bytes(data)
        with pytest.raises(SourceChanged, match="it was written to while it was read"):
            look(handle, len(DATA), None)


@pytest.mark.parametrize("other", [len(DATA) - 1, len(DATA) + 1])
def test_a_small_file_of_another_size_than_was_planned_is_told(file: Path, other: int) -> None:
    with opened(str(file), version(file)) as handle, pytest.raises(SourceChanged):
        look(handle, other, None)


def test_another_version_is_not_read_at_all(file: Path) -> None:
    before = version(file)
    file.write_bytes(DATA[::-1])
    with pytest.raises(SourceChanged, match="it was written to"), opened(str(file), before):
        pytest.fail("it was opened")


def test_a_file_that_vanished_and_one_that_is_a_folder_are_told(file: Path) -> None:
    with pytest.raises(SourceChanged, match=r"it vanished$"), opened(f"{file}-no", version(file)):
        pass
    with pytest.raises(DownloadFailed, match=r"it cannot be read \(is a directory\)"), opened(str(file.parent), "1"):
        pass


def test_a_drive_that_goes_away_meanwhile_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "open", lambda path, *how, **more: Gone(path))
    with (
        pytest.raises(DownloadFailed, match=r"it cannot be read \(input/output error\)"),
        opened(str(file), version(file)) as handle,
    ):
        look(handle, len(DATA), None)


def test_a_large_photo_is_looked_at_to_its_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "SMALL", 10)
    monkeypatch.setattr(looking, "_BLOCK", 4096)
    whole = photo()
    for data, reason in ((whole, ""), (whole[:-2] + bytes(5000), "cut off"), (DATA, "it is no")):
        file.write_bytes(data)
        with opened(str(file), version(file)) as handle:
            found = look(handle, len(data), Checker(Rules(content="jpeg")))
        assert (reason in found.reason, bool(found.reason)) == (True, bool(reason)), found.reason
