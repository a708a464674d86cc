"""What is held while an image is decoded is what was planned, or less: measured, a process for each kind."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile

from darkroom.imaging.opening import look
from darkroom.imaging.source import LONGEST
from darkroom.pyramids.batch import _WINDOW
from darkroom.settings import Settings
from tests import narrow, scans

# the peak of memory that belongs to no file, beyond that of the imports
MEASURED = """
import sys, threading, time
from pathlib import Path
import pyvips
from darkroom.pyramids.make import decode
from darkroom.imaging.opening import look
from darkroom.pyramids.profiles import CAP

def anonymous():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024

pyvips.Image.black(9, 9).numpy()
peak = base = anonymous()
over = False

def watch():
    global peak
    while not over:
        peak = max(peak, anonymous())
        time.sleep(0.002)

thread = threading.Thread(target=watch)
thread.start()
decode(look(Path(sys.argv[1]), 10**9), CAP, alpha=True)
over = True
thread.join()
print(peak - base)
"""
WIDTH, HEIGHT = 8000, 6000


def written(kind: str, file: Path) -> None:
    image = scans.picture(800, 600).resize(10).copy_memory()
    pixels = image.numpy()
    planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    match kind:
        case "planes in one deflated strip":
            options = {"planarconfig": "separate", "compression": "deflate", "rowsperstrip": HEIGHT}
            tifffile.imwrite(file, planes, photometric="rgb", metadata=None, **options)
        case "planes in one plain strip":
            tifffile.imwrite(
                file, planes, photometric="rgb", metadata=None, planarconfig="separate", rowsperstrip=HEIGHT
            )
        case "large tiles":
            tifffile.imwrite(file, pixels, photometric="rgb", metadata=None, compression="deflate", tile=(2048, 2048))
        case "one deflated strip":
            options = {"compression": "deflate", "rowsperstrip": HEIGHT}
            tifffile.imwrite(file, pixels, photometric="rgb", metadata=None, **options)
        case "progressive JPEG":
            image.jpegsave(str(file), interlace=True)
        case "turned JPEG":
            scans.tagged(image, 6).jpegsave(str(file))
        case "interlaced PNG":
            image.pngsave(str(file), interlace=True, compression=1)
        case _:
            image.heifsave(str(file), compression="av1", effort=0)


KINDS = {  # and the bytes a pixel that are planned for at least
    "planes in one deflated strip": 3,
    "planes in one plain strip": 3,
    "large tiles": 0.5,
    "one deflated strip": 0,
    "progressive JPEG": 6,
    "turned JPEG": 0,
    "interlaced PNG": 3,
    "AVIF": 3,
}


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_held_was_planned(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "scan"
    written(kind, file)
    held = look(file, 10**9).held
    run = subprocess.run([sys.executable, "-c", MEASURED, str(file)], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) <= held + _WINDOW
    assert held >= KINDS[kind] * WIDTH * HEIGHT


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_what_the_wide_rows_of_a_scroll_take_was_planned(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"scroll.{ending}"
    (tmp_path / "scroll.png").write_bytes(narrow.png(LONGEST, 1600))
    if ending == "tif":
        options = {"compression": "deflate", "tile": True, "tile_width": 256, "tile_height": 256}
        pyvips.Image.pngload(str(tmp_path / "scroll.png"), access="sequential").tiffsave(str(file), **options)
    source = look(file, 10**9)
    run = subprocess.run([sys.executable, "-c", MEASURED, str(file)], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert _WINDOW < int(run.stdout) <= source.held + source.wide + _WINDOW
    assert source.wide + _WINDOW < Settings().memory
