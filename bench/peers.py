"""The peers, each in a process of its own: `python -m bench.peers WAY`, the request as JSON on standard input.

They draw a sample of the pictures as they would draw all. The floor is no way to make pictures: it is what
cannot be left out of any, done by libvips, on as many cores, and nothing else.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyvips

CONVERT = "/usr/bin/convert"

Stacks = list[list[str]]


def main() -> None:
    """Do what standard input says; print pictures and seconds as JSON."""
    ways: dict[str, tuple[Callable[..., tuple[int, float]], int]] = {
        "pyvips": (with_pyvips, resource.RUSAGE_SELF),
        "imagemagick": (with_imagemagick, resource.RUSAGE_CHILDREN),
        "floor": (floor, resource.RUSAGE_SELF),
        "decoding": (decoding, resource.RUSAGE_SELF),
        "old-proxies": (old_proxies, resource.RUSAGE_CHILDREN),
    }
    way, who = ways[sys.argv[1]]
    pictures, seconds = way(**json.load(sys.stdin))
    most = resource.getrusage(who).ru_maxrss
    peak = most if sys.platform == "darwin" else most * 1024
    print(json.dumps({"pictures": pictures, "seconds": seconds, "peak": peak}))


def with_pyvips(stacks: Stacks, target: str) -> tuple[int, float]:
    """Open, composite, reduce and save a picture at a time; libvips uses every core for each."""
    began = time.perf_counter()
    for stack in stacks:
        images = [pyvips.Image.new_from_file(layer) for layer in stack]
        picture = images[0].composite(images[1:], "over") if len(images) > 1 else images[0]
        picture.thumbnail_image(800).pngsave(target, compression=3, filter="up")
    return len(stacks), time.perf_counter() - began


def with_imagemagick(stacks: Stacks, target: str, workers: int) -> tuple[int, float]:
    """The studio's old recipe: a process a picture, one for each core (faster than one that uses all cores)."""

    def draw(number: int) -> None:
        words = [CONVERT, *stacks[number], "-background", "none", "-flatten", "-resize", "800x800"]
        subprocess.run([*words, f"{target}.{number}.png"], check=True, env={**os.environ, "MAGICK_THREAD_LIMIT": "1"})

    with ThreadPoolExecutor(workers) as pool:
        return len(stacks), _timed(pool, draw, list(range(len(stacks))))


def old_proxies(renders: list[str], target: str, workers: int) -> tuple[int, float]:
    """The studio's old recipe of a proxy: a process a file, so many at once; one after the other uses all cores."""
    threads = {"MAGICK_THREAD_LIMIT": "1"} if workers > 1 else {}

    def make(number: int) -> None:
        words = [CONVERT, renders[number], "-resize", "800x800", "-density", "172", f"{target}.{number}.png"]
        subprocess.run(words, check=True, env=os.environ | threads)

    with ThreadPoolExecutor(workers) as pool:
        return len(renders), _timed(pool, make, list(range(len(renders))))


def decoding(renders: list[str], workers: int) -> tuple[int, float]:
    """Libvips decodes each render once, row after row; the disk is not measured."""
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)
    for file in renders:
        Path(file).read_bytes()
    with ThreadPoolExecutor(workers) as pool:
        return len(renders), _timed(pool, _decode, renders)


def _decode(file: str) -> None:
    pyvips.Image.new_from_file(file, access="sequential").write_to_memory()


def floor(layers: list[str], pictures: list[str], workers: int) -> tuple[int, float]:
    """Libvips decodes each layer once, and encodes each different picture; without start, drawing and writing."""
    pyvips.cache_set_max(0)
    pyvips.concurrency_set(1)  # a file a thread: no way to share the cores was found to be faster

    def encode(picture: pyvips.Image) -> None:
        picture.pngsave_buffer(compression=3, filter="up", keep="none")

    for file in layers:
        Path(file).read_bytes()  # the disk is not measured
    with ThreadPoolExecutor(workers) as pool:
        seconds = _timed(pool, _decode, layers)
        for at in range(0, len(pictures), 200):  # some at a time: in memory before they are encoded
            part = [pyvips.Image.new_from_file(file).copy_memory() for file in pictures[at : at + 200]]
            seconds += _timed(pool, encode, part)
    return len(pictures), seconds


def _timed(pool: ThreadPoolExecutor, do: Callable[[Any], None], items: list[Any]) -> float:
    began = time.perf_counter()
    list(pool.map(do, items))
    return time.perf_counter() - began


def is_imagemagick() -> bool:
    """Is it the real one, and no stand-in of that name?"""
    try:
        said = subprocess.run([CONVERT, "-version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    return "ImageMagick" in said


if __name__ == "__main__":
    main()
