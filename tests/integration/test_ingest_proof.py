"""What an ingest wrote to a folder is read again: other bytes are never called delivered."""

from io import FileIO
from pathlib import Path

import pytest

from darkroom.ingest.fetch import SMALL
from darkroom.store import folder
from tests.ingest_world import RAW, Studio, render

T1 = "t1_neckline_front"

pytestmark = pytest.mark.usefixtures("quick_ingest")


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    (tmp_path / "delivered").mkdir()
    return Studio(tmp_path, str(tmp_path / "delivered"))


@pytest.mark.parametrize("behind", [0, SMALL], ids=["in memory", "in a file"])
def test_a_byte_that_a_disk_writes_wrong_fails_its_render_and_no_other(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, behind: int
) -> None:
    twisted = render(T1, 1) + bytes(behind)
    (tmp_path / "delivered" / f"{T1}_0000.png").write_bytes(render(T1, 0))
    (tmp_path / "delivered" / f"{T1}_0001.png").write_bytes(twisted)
    write = folder.write_fully

    def wrong(handle: FileIO, block: bytes) -> int:
        return write(handle, block[:-1] + bytes([block[-1] ^ 1]) if twisted.endswith(block) else block)

    monkeypatch.setattr(folder, "write_fully", wrong)
    report = studio.ingest()
    assert (report.done, report.failed) == (1, 1)
    assert "other bytes are read there than were written" in report.not_done[0].reason
    assert not any("_0001" in key for key in studio.known()), "what is not proven is not known"

    monkeypatch.setattr(folder, "write_fully", write)
    assert "move it away, then it is made again" in studio.ingest().not_done[0].reason
    studio.store.delete(f"{RAW}{T1}_0001.png")
    assert studio.ingest().done == 1
    assert studio.raw()[f"{T1}_0001.png"] == twisted
