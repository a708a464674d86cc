"""What the benchmark's GCS holds: buckets of objects, and what was asked of them.

Objects are parts of one endless stream of random bytes that repeats after `PERIOD` bytes (a prime, so that no two parts
of an upload are alike): real bytes, whose MD5 and CRC32C are computed at the start.
"""

import base64
import hashlib
import mmap
import os
import random
import re
from array import array
from bisect import bisect_left
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import google_crc32c

PERIOD = 67_108_859
PAGE = 1000
SMALL = 1 << 20  # a body up to this is one piece of memory; as many bytes of the stream follow its period in the file
TYPE = "image/tiff"
_BEGAN = datetime(2026, 3, 1, 8, tzinfo=UTC)
_FIRST = int(_BEGAN.timestamp()) * 1_000_000  # the first object's generation, which is its time
_LAST = "\U0010ffff"
_ITEMS = re.compile(r"items(?:\(([^)]*)\)|/(\w+))")


@dataclass(frozen=True)
class Bucket:
    """So many objects of one size."""

    name: str
    count: int
    size: int

    @property
    def bytes(self) -> int:
        return self.count * self.size


@dataclass
class Served:
    """What a bucket was asked for: requests by kind, bytes of content, and the least and the most of one object."""

    listings: int = 0
    metadata: int = 0
    media: int = 0
    others: int = 0
    bytes: int = 0
    least: int = 0
    most: int = 0

    @property
    def requests(self) -> int:
        return self.listings + self.metadata + self.media + self.others


class Stream:
    """The endless stream: `period` random bytes, again and again; they are the same in every run."""

    def __init__(self, folder: Path) -> None:
        file = folder / "stream"
        with file.open("wb") as handle:
            block = random.Random(1).randbytes(PERIOD)  # noqa: S311
            handle.write(block)
            handle.write(block[:SMALL])
        self.file = os.open(file, os.O_RDONLY)
        self.memory = memoryview(mmap.mmap(self.file, 0, prot=mmap.PROT_READ))

    def piece(self, start: int, size: int) -> memoryview:
        """At most `SMALL` bytes of it."""
        at = start % PERIOD
        return self.memory[at : at + size]

    def hashes(self, start: int, size: int) -> tuple[str, str]:
        """MD5 and CRC32C of a part, as the service writes them."""
        md5, crc, end = hashlib.md5(usedforsecurity=False), 0, start + size
        while start < end:
            piece = self.piece(start, min(SMALL, end - start))
            md5.update(piece)
            crc = google_crc32c.extend(crc, bytes(piece))
            start += len(piece)
        return base64.b64encode(md5.digest()).decode(), base64.b64encode(crc.to_bytes(4, "big")).decode()


@dataclass
class Objects:
    """The objects of a bucket, in the order of their names, and what was asked of them."""

    bucket: Bucket
    endpoint: str
    hashes: list[tuple[str, str]]
    counts: Served = field(default_factory=Served)

    def __post_init__(self) -> None:
        self.names = [f"maps/{number // PAGE:02}/scan-{number:05}.tif" for number in range(self.bucket.count)]
        self.numbers = {name: number for number, name in enumerate(self.names)}
        self.bytes = array("Q", bytes(8 * self.bucket.count))

    def updated(self, number: int) -> datetime:
        return _BEGAN + timedelta(seconds=number)

    def generation(self, number: int) -> str:
        return str(_FIRST + number * 1_000_000)

    def resource(self, number: int) -> dict[str, str]:
        """An object's metadata, with everything that the service tells a reader."""
        bucket, generation = self.bucket.name, self.generation(number)
        time = f"{self.updated(number):%Y-%m-%dT%H:%M:%S.000Z}"
        path = f"storage/v1/b/{bucket}/o/{quote(self.names[number], safe='')}"
        md5, crc = self.hashes[number]
        return {
            "kind": "storage#object",
            "id": f"{bucket}/{self.names[number]}/{generation}",
            "selfLink": f"{self.endpoint}/{path}",
            "mediaLink": f"{self.endpoint}/download/{path}?generation={generation}&alt=media",
            "name": self.names[number],
            "bucket": bucket,
            "generation": generation,
            "metageneration": "1",
            "contentType": TYPE,
            "storageClass": "STANDARD",
            "size": str(self.bucket.size),
            "md5Hash": md5,
            "crc32c": crc,
            "etag": generation,
            "timeCreated": time,
            "updated": time,
            "timeStorageClassUpdated": time,
            "timeFinalized": time,
        }

    def page(self, query: dict[str, str]) -> dict[str, Any]:
        """A page of a listing, as its query wants it."""
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        at = max(bisect_left(self.names, prefix), bisect_left(self.names, query.get("startOffset", "")))
        at = max(at, int(query.get("pageToken") or 0))
        end = bisect_left(self.names, query.get("endOffset") or _LAST)
        end = min(end, bisect_left(self.names, prefix + _LAST))
        size = min(int(query.get("maxResults") or PAGE), PAGE)
        fields = _ITEMS.search(query.get("fields", ""))
        wanted = set((fields[1] or fields[2]).split(",")) if fields else None
        items: list[dict[str, str]] = []
        prefixes: list[str] = []
        while at < end and len(items) + len(prefixes) < size:
            below, found, _ = self.names[at].removeprefix(prefix).partition(delimiter) if delimiter else ("", "", "")
            if found:
                prefixes.append(prefix + below + delimiter)
                at = bisect_left(self.names, prefixes[-1] + _LAST)
            else:
                whole = self.resource(at)
                items.append({name: value for name, value in whole.items() if not wanted or name in wanted})
                at += 1
        page: dict[str, Any] = {"kind": "storage#objects"}
        page |= {"nextPageToken": str(at)} if at < end else {}
        return page | ({"prefixes": prefixes} if prefixes else {}) | ({"items": items} if items else {})

    @property
    def own(self) -> dict[str, str]:
        """The bucket's own metadata."""
        name = self.bucket.name
        return {"kind": "storage#bucket", "id": name, "name": name, "location": "EU", "storageClass": "STANDARD"}

    def body(self, number: int, start: int = 0, end: int | None = None) -> "Body":
        """What is to be sent of an object."""
        first = number * self.bucket.size
        return Body(self, number, first + start, first + (self.bucket.size if end is None else end))

    def stats(self) -> dict[str, int]:
        """What was asked since the last time."""
        counts, self.counts = self.counts, Served()
        counts.bytes, counts.least, counts.most = sum(self.bytes), min(self.bytes), max(self.bytes)
        self.bytes = array("Q", bytes(8 * self.bucket.count))
        return asdict(counts)


@dataclass(slots=True)
class Body:
    """What is left to send of an object: bytes `at` to `end` of the stream."""

    objects: Objects
    number: int
    at: int
    end: int
