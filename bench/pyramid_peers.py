"""What the pyramids are measured beside, each in a process of its own: `python -m bench.pyramid_peers WAY WORD...`."""

import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyvips

TIFF: dict[str, Any] = {
    "compression": "deflate",
    "predictor": "horizontal",
    "tile": True,
    "tile_width": 512,
    "tile_height": 512,
    "pyramid": True,
}


def bare(source: str, target: str) -> None:
    """Nothing but libvips: decode, reduce, save."""
    image = pyvips.Image.thumbnail(source, 4000, height=4000, size="down", output_profile="srgb", fail_on="error")
    image.tiffsave(target, depth="onetile", **TIFF)


def proof(source: str, target: str) -> None:
    """Print how many seconds Darkroom takes to read a pyramid back, of those for all of it."""
    from darkroom.imaging.opening import look
    from darkroom.pyramids.make import decode, prove, write
    from darkroom.pyramids.profiles import CAP, PROFILES

    profile = PROFILES["deflate"]
    decoded = decode(look(Path(source), 10**9), CAP, alpha=profile.alpha)
    write(decoded, Path(target), profile)
    began = time.perf_counter()
    prove(Path(target), profile, decoded)
    print(time.perf_counter() - began)


def loop(bucket: str, source: str, target: str) -> None:
    """The loop that such studios have: three threads, each with one image after the other, step by step."""
    import boto3

    client = boto3.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=source)
    names = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(3) as pool:

        def one(name: str) -> None:
            file = Path(folder) / Path(name).name
            made = file.with_suffix(".pyramid.tif")
            client.download_file(bucket, name, str(file))
            image = pyvips.Image.new_from_file(str(file))
            factor = max(1.0, image.width / 4000, image.height / 4000)
            image.shrink(factor, factor).tiffsave(str(made), **TIFF)
            client.upload_file(str(made), bucket, f"{target}/{file.stem}.tif")
            file.unlink()
            made.unlink()

        list(pool.map(one, names))


_WAYS: dict[str, Callable[..., None]] = {"bare": bare, "proof": proof, "loop": loop}

if __name__ == "__main__":
    _WAYS[sys.argv[1]](*sys.argv[2:])
