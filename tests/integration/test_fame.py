"""A real studio's collection (skipped where `shared/data/fame` is not beside the project)."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import pyvips

from darkroom.styles.exports import length_in_name, parse_export
from darkroom.styles.stacks import Resolver
from darkroom.styles.style_file import load_style
from tests import renders, slow
from tests.tiny import darkroom

FAME = Path(__file__).resolve().parents[3] / "shared" / "data" / "fame"
pytestmark = pytest.mark.skipif(not FAME.is_dir(), reason="shared/data/fame is not beside the project")

STYLE = FAME / "styles" / "fp-dr1003-102.json"
EXPORT = FAME / "combinations" / "FP-DR1003-102-Ankle.csv"
SIZE = 600


@pytest.fixture(scope="module")
def ankle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All pictures of DR1003's ankle length in colour 0."""
    folder = tmp_path_factory.mktemp("ankle")
    rows = list(csv.reader(EXPORT.open()))
    layers = {layer for row in rows for stack in row[1:] for layer in stack.split()}
    assert len(layers) == 45
    renders.draw(folder / "renders", layers, [0], SIZE)
    run = darkroom(
        *("composite", "--style", str(STYLE), "--renders", str(folder / "renders"), "--combinations", str(EXPORT)),
        *("--length", "Ankle", "--colours", "0", "--out", str(folder / "out"), "--report", str(folder / "report.json")),
    )
    assert run.returncode == 0, run.stderr
    return folder


def test_all_pictures_of_a_real_export_and_its_defaults_are_made(ankle):
    report = json.loads((ankle / "report.json").read_bytes())
    assert (report["planned"], report["done"], report["distinct"]) == (2_940, 2_940, 595)
    for cut in ("800x800", "142x142", "top-crop", "bottom-crop"):
        names = {path.name for path in (ankle / "out/renders/composites/fp-dr1003-102" / cut).iterdir()}
        assert len(names) == 2_940
        assert {"default-ankle-front-0000.png", "default-ankle-back-0000.png"} <= names


def test_sampled_pictures_equal_the_slow_way(ankle):
    rows, _ = parse_export(EXPORT.read_bytes(), EXPORT.name)
    for row in rows[:: len(rows) // 12]:
        for side, stack in row.stacks.items():
            name = f"{'-'.join(sorted(row.codes))}-ankle-{side}-0000.png"
            picture = pyvips.Image.new_from_file(
                str(ankle / "out/renders/composites/fp-dr1003-102/800x800" / name)
            ).numpy()
            images: list[np.ndarray] = [renders.pixels(layer, 0, SIZE) for layer in stack]
            assert slow.largest_difference(picture, slow.composite(images)) <= 1.02


def test_verify_finds_every_one_of_them(ankle):
    words = ["--style", str(STYLE), "--combinations", str(EXPORT), "--length", "Ankle", "--out", str(ankle / "out")]
    run = darkroom("verify", *words)
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_real_style_and_export_is_read_and_the_rule_rebuilds_most_stacks():
    right = total = 0
    for path in sorted((FAME / "styles").glob("*.json")):
        style = load_style(path.read_bytes(), path.name)
        exports = sorted((FAME / "combinations").glob(f"{style.style.upper()}*.csv"))
        read = {export: parse_export(export.read_bytes(), export.name) for export in exports}
        assert not any(problems for _, problems in read.values())
        layers = {
            layer for rows, _ in read.values() for row in rows for stack in row.stacks.values() for layer in stack
        }
        for export, (rows, _) in read.items():
            length = length_in_name(export.name, style.length_spellings())
            assert length is not None
            for side in ("front", "back"):
                resolver = Resolver(style, length, side, layers)
                right += sum(resolver.stack(row.codes) == row.stacks[side] for row in rows)
                total += len(rows)
    assert total == 83_038
    assert right / total > 0.97
