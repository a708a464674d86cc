"""A tiny studio for tests: two lengths, two colours, three codes, renders of a few hundred pixels."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from darkroom.compositing.flow import FLOW
from darkroom.compositing.request import Request
from darkroom.compositing.verify import Verification, verify
from darkroom.jobs import Mode, Report
from darkroom.runs import run_here
from tests import renders

STYLE = """\
style: tiny
name: Tiny "Zoë's"
colours: 2
lengths: {mini: Mini, knee: Knee}
customizations: [t1, b1, a1]
ignored_customizations: []
source_folders: ["Render PNG's"]
defaults:
  Mini:
    front: {bottom: base_mini_bottom_front, neckline: base_neckline_front}
    back: {bottom: base_mini_bottom_back, neckline: base_neckline_back}
  Knee:
    front: {bottom: base_knee_bottom_front, neckline: base_neckline_front}
    back: {bottom: base_knee_bottom_back, neckline: base_neckline_back}
layering: [b1, t1, a1]
options:
  - any of: [t1, b1]
  - one of: [a1]
"""
LAYERS = [
    f"{layer}_{side}"
    for side in ("front", "back")
    for layer in (
        "base_mini_bottom",
        "base_knee_bottom",
        "base_neckline",
        "t1_neckline",
        "b1_bottom",
        "a1_infront",
        "a1_behind",
    )
]
PICTURES = 8 * 2 * 2 * 2  # combinations, lengths, sides, colours
CUTS = ("800x800", "142x142", "top-crop", "bottom-crop")


class Tiny:
    """The studio's files below one folder: `dress.yaml`, `renders/`, and the bucket `out/`."""

    def __init__(self, folder: Path, size: int = 120) -> None:
        self.folder = folder
        self.style = folder / "dress.yaml"
        self.style.write_text(STYLE, encoding="utf-8")
        self.renders = folder / "renders"
        self.out = folder / "out"
        self.size = size
        renders.draw(self.renders / "Render PNG's", LAYERS, [0, 1], size)

    def render(self, layer: str, colour: int) -> Path:
        """One render's file."""
        return self.renders / "Render PNG's" / f"{layer}_{colour:04d}.png"

    def repaint(self, layer: str, colour: int, size: int | None = None) -> None:
        """Deliver a render anew, painted otherwise."""
        picture = renders.pixels(layer, colour + 50, size or self.size)
        new = self.render(layer, colour).with_suffix(".new")
        new.write_bytes(renders.png(picture))
        new.replace(self.render(layer, colour))

    def pictures(self, cut: str = "800x800") -> dict[str, tuple[int, int]]:
        """The names of a cut's pictures with their files' identity: inode and modification time."""
        folder = self.out / "renders" / "composites" / "tiny" / cut
        return {path.stem: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.glob("*.png")}

    def composite(self, *more: str) -> subprocess.CompletedProcess[str]:
        """`darkroom composite` on this studio, as a person would run it."""
        return darkroom(
            "composite", "--style", str(self.style), "--renders", str(self.renders), "--out", str(self.out), *more
        )

    def verify(self, *more: str) -> subprocess.CompletedProcess[str]:
        """`darkroom verify` on this studio."""
        return darkroom("verify", "--style", str(self.style), "--out", str(self.out), *more)

    def run(self, mode: Mode = Mode.CHANGED) -> Report:
        """The same in this process; what lacks a render is left out."""
        request = self._request(renders=str(self.renders), on_missing="skip", mode=mode)
        return run_here(FLOW, request, command="composite", subject="tiny", workers=2)

    def verified(self, *, deep: bool = False, renders: str = "") -> Verification:
        """What `darkroom verify` finds, in this process."""
        return verify(self._request(renders=renders), 2, deep=deep)

    def _request(self, **more: Any) -> Request:
        return Request(style_file=str(self.style), store=str(self.out), **more)


def report_of(studio: Tiny, *more: str) -> tuple[int, dict[str, object], str]:
    path = studio.folder / "report.json"
    path.unlink(missing_ok=True)
    run = studio.composite("--report", str(path), *more)
    return run.returncode, json.loads(path.read_bytes()) if path.exists() else {}, run.stdout + run.stderr


def counts(report: dict[str, object]) -> tuple[object, ...]:
    return tuple(report[count] for count in ("planned", "done", "skipped", "refused", "failed"))


def darkroom(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run([sys.executable, "-m", "darkroom", *words], capture_output=True, text=True, timeout=300)
