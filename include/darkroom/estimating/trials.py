"""Small trials of what the flows do all day, timed in seconds of this process's cores, one thread at a time."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import pyvips

from darkroom import keys
from darkroom.compositing.cuts import Painted
from darkroom.compositing.prepare import prepare
from darkroom.compositing.profiles import CROPS, Crop
from darkroom.compositing.request import Request
from darkroom.compositing.walk import Walker
from darkroom.imaging.encode import encode
from darkroom.imaging.layers import Layers
from darkroom.imaging.opening import look
from darkroom.imaging.source import Decoded
from darkroom.pyramids.make import decode, prove, write
from darkroom.pyramids.profiles import CAP, DEFAULT, PROFILES, Profile
from darkroom.store import Store
from darkroom.store.access import NO_ACCESS

ResultT = TypeVar("ResultT")

SIZE = 1600
"""Pixels of a side of the renders that are drawn."""
SCANS = {"jpg": (6000, 4500), "png": (4000, 3000), "tif": (4000, 3000)}
"""Width and height of the scans that are drawn, by kind."""
_PICTURES = 60  # pictures that are drawn and encoded one by one
_LAYERS_MEMORY = 1 << 30  # bytes
_GRAIN = 5.0  # standard deviation, of 255: what makes real scans hard to compress
_OBJECTS, _OBJECT = 2000, 20_000  # what is written to the store, and of how many bytes
_LONGEST = 5.0  # seconds in which as many of these are written as can be
_STARTS = 3
_WORKER = "import darkroom.worker, darkroom.compositing.flow, darkroom.pyramids.flow"


@dataclass
class Timed:
    """Seconds of one core, as they were taken, by what was done."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    bytes: dict[str, list[int]] = field(default_factory=dict)

    def time(self, what: str, do: Callable[..., ResultT], *given: Any, of: float = 1.0) -> ResultT:
        """Do it, and note what one of so many took."""
        began = time.process_time()
        result = do(*given)
        self.seconds.setdefault(what, []).append((time.process_time() - began) / of)
        return result

    def wrote(self, what: str, size: int) -> None:
        """Note how large a file became."""
        self.bytes.setdefault(what, []).append(size)

    def median(self, what: str) -> float:
        """Of all that was noted: a busy machine does not move it."""
        return max(1e-12, median(self.seconds[what]))

    def mean(self, what: str) -> float:
        """Where what is done differs from time to time."""
        return max(1e-12, sum(self.seconds[what]) / len(self.seconds[what]))

    def size(self, what: str) -> float:
        """The mean of the files' sizes."""
        return sum(self.bytes[what]) / len(self.bytes[what])


def composites(request: Request) -> Timed:
    """Decode one side of a style's first colour, and draw, encode and cut some of its pictures."""
    timed = Timed()
    prepared = prepare(request, NO_ACCESS)
    (pairs,) = prepared.stacks.values()
    stacks = list(dict.fromkeys(stack for _, stack in pairs))[:_PICTURES]
    names = sorted({layer for stack in stacks for layer in stack})
    numbers = {name: number for number, name in enumerate(names)}
    colour = prepared.scope.colours[0]
    files = [prepared.renders.read(file.key) for name in names if (file := prepared.file(name, colour))]
    with Layers(_LAYERS_MEMORY) as layers:
        layers.decode(files[0])  # the first one compiles
        layers.clear()
        frame = SIZE * SIZE
        decoded = {number: timed.time("decode", layers.decode, data, of=frame) for number, data in enumerate(files)}
        walk = Walker(layers, decoded).pictures([tuple(numbers[layer] for layer in stack) for stack in stacks])
        next(walk)
        for _ in range(len(stacks) - 1):
            _, picture = timed.time("compose", next, walk, of=frame)
            timed.wrote("picture", len(timed.time("encode", encode, picture)))
            painted = Painted(picture)
            for crop in CROPS.values():
                timed.wrote("crop", len(timed.time("crop", _cropped, painted, crop)))
    return timed


def _cropped(painted: Painted, crop: Crop) -> bytes:
    return encode(painted.cut(crop))


def pyramid(folder: Path, kind: str) -> Timed:
    """Draw a scan, and make its pyramid: decoded by kind, and then written and proven."""
    timed, profile = Timed(), PROFILES[DEFAULT]
    width, height = SCANS[kind]
    scan, target = folder / f"scan.{kind}", folder / "pyramid.tif"
    _draw(scan, width, height)
    source = look(scan, width * height)
    decoded = timed.time(kind, partial(decode, alpha=profile.alpha), source, CAP, of=width * height)
    pixels = decoded.image.width * decoded.image.height
    timed.time("pyramid", _written, decoded, target, profile, of=pixels)
    timed.wrote("pyramid", round(target.stat().st_size / pixels * 1000))
    return timed


def _written(decoded: Decoded, target: Path, profile: Profile) -> None:
    write(decoded, target, profile)
    prove(target, profile, decoded)


def _draw(file: Path, width: int, height: int) -> None:
    """A scan with soft colours and the grain of film."""
    x = pyvips.Image.xyz(width, height)
    waves = [(x[0] / (37.0 + 13 * band)).cos() * 60 + (x[1] / (53.0 + 7 * band)).cos() * 50 + 127 for band in range(3)]
    grain = pyvips.Image.gaussnoise(1024, 1024, sigma=_GRAIN, mean=0).copy_memory()
    grain = grain.replicate(-(-width // 1024), -(-height // 1024)).crop(0, 0, width, height)
    image = (waves[0].bandjoin(waves[1:]) + grain).cast("uchar").copy(interpretation="srgb")
    match file.suffix:
        case ".jpg":
            image.jpegsave(str(file), Q=90)
        case ".png":
            image.pngsave(str(file), compression=3)
        case _:
            image.tiffsave(str(file), compression="lzw")


def start() -> float:
    """Seconds in which a worker is there, once what it loads has been loaded before."""
    took = []
    for _ in range(_STARTS):
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", _WORKER], check=True)
        took.append(time.monotonic() - began)
    return min(took)


def store(target: Store, name: str) -> tuple[float, float]:
    """Seconds of one core for an object that is written to a store, and how many one worker writes a second.

    They are removed again. Raises `StoreError` where nothing can be written there.
    """
    body = bytes(_OBJECT)
    until = time.monotonic() + _LONGEST

    def put(number: int) -> str:
        key = keys.trial(name, number)
        if time.monotonic() > until:
            return ""
        target.write(key, body, if_absent=True, confirm=False)
        return key

    put(0)  # the first one connects
    began, cores = time.monotonic(), time.process_time()
    try:
        with ThreadPoolExecutor(target.concurrency, "trial") as pool:
            written = [key for key in pool.map(put, range(1, _OBJECTS)) if key]
        took, cores = time.monotonic() - began, time.process_time() - cores
    finally:
        target.delete_all(keys.trial(name, number) for number in range(_OBJECTS))
    count = max(1, len(written))
    return max(1e-9, cores / count), count / took


def all_of(trials: Iterable[Timed]) -> Timed:
    """Several as one."""
    whole = Timed()
    for one in trials:
        for what, seconds in one.seconds.items():
            whole.seconds.setdefault(what, []).extend(seconds)
        for what, sizes in one.bytes.items():
            whole.bytes.setdefault(what, []).extend(sizes)
    return whole
