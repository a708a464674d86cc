"""The documents: every picture that they show is there, and is what a person saw."""

import re
from pathlib import Path

import numpy as np
import pytest
import pyvips

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHOWN = sorted(
    {
        (page.parent / name).resolve()
        for page in PAGES
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    }
)


@pytest.mark.parametrize("picture", SHOWN, ids=lambda path: path.name)
def test_every_picture_of_the_documents_is_there_and_in_colour(picture: Path) -> None:
    pixels = pyvips.Image.new_from_file(str(picture), fail_on="warning").numpy().astype(int)
    assert pixels.ndim == 3, "a picture of one band: something made it grey"
    colourful = np.ptp(pixels[:, :, :3], axis=2) > 40
    assert colourful.mean() > 0.002
    assert pixels[:, :, :3].min() < 60, "a faded picture"
