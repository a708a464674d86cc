"""The bound of a worker's memory, held by a whole run on large renders."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny import Tiny

MIB = 1 << 20


# a child's peak begins at its parent's, so a small process stands between
BETWEEN = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "darkroom", *sys.argv[1:]], stdout=sys.stderr)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(done.returncode)
"""


def composite(studio: Tiny, out: str, memory: str) -> tuple[int, str]:
    """Make one colour in a process of its own; its peak memory in bytes, and what it said."""
    words = ["composite", "--style", str(studio.style), "--renders", str(studio.renders), "--out", out]
    run = subprocess.run(
        [sys.executable, "-c", BETWEEN, *words, "--colours", "0", "--workers", "2"],
        env={**os.environ, "DARKROOM_MEMORY": memory},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    return int(run.stdout), run.stderr


def pictures(out: Path) -> dict[str, bytes]:
    root = out / "renders" / "composites"
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*.png")}


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_renders_of_6000_stay_within_the_memory_and_are_the_same_pictures_from_a_file(tmp_path: Path):
    studio = Tiny(tmp_path, size=6000)
    roomy, said_roomy = composite(studio, str(tmp_path / "roomy"), "1.5GiB")
    tight, said_tight = composite(studio, str(tmp_path / "tight"), "512MiB")
    assert roomy < 1536 * MIB
    assert tight < 512 * MIB
    assert "temporary file" not in said_roomy
    assert "temporary file" in said_tight
    made = pictures(tmp_path / "roomy")
    assert made == pictures(tmp_path / "tight")
    assert len(made) == 8 * 2 * 2 * 4  # combinations, lengths, sides, cuts
