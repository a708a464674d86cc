"""The right hash is found or computed, never guessed: objects whose services do not know it, or know another."""

import gzip
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from darkroom import proof
from darkroom.jobs import Mode
from darkroom.proof import Verify
from darkroom.store import Entry, Store, s3, s3_multipart
from darkroom.store.hashes import Hashes, Kind
from darkroom.store.s3 import S3Store
from darkroom.store.streams import PART
from darkroom.store.transfer import hashes_of
from tests.archive_world import World, contents, faults_before, world_of
from tests.servers.backends import BUCKET
from tests.servers.faults import Corrupt

LARGE = 2 * PART + 12_345


@pytest.fixture
def world(mirrored_clouds: World) -> World:
    return mirrored_clouds


def gcs_bucket() -> Any:
    options = {"api_endpoint": os.environ["STORAGE_EMULATOR_HOST"]}
    return storage.Client("tests", AnonymousCredentials(), client_options=options).bucket(BUCKET)  # type: ignore[no-untyped-call]


def named(store: Store, key: str) -> str:
    """An object's name in its bucket."""
    return store.uri_of(key).split("/", 3)[3]


def composed(world: World, key: str, *parts: bytes) -> None:
    """A composite object of Google's, which has no MD5."""
    for number, part in enumerate(parts):
        world.source.write(f"parts/{number}", part)
    bucket = gcs_bucket()
    blob = bucket.blob(named(world.source, key))
    blob.content_type = "image/tiff"
    blob.compose([bucket.blob(named(world.source, f"parts/{number}")) for number in range(len(parts))])
    for number in range(len(parts)):
        world.source.delete(f"parts/{number}")


def md5_of(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def noise(size: int, seed: int = 1) -> bytes:
    block = hashlib.sha512(b"%d" % seed).digest()
    return (block * (size // len(block) + 1))[:size]


def test_a_composite_object_has_no_md5_and_is_known_by_its_generation(world: World) -> None:
    composed(world, "a.tif", b"one", b"two")
    (entry,) = world.source.list()
    assert not entry.hashes.md5
    assert world.archive().done == 1
    assert world.mirrored() == {"a.tif": b"onetwo"}
    assert world.archive().skipped == 1
    composed(world, "a.tif", b"one", b"two")  # the same bytes, of another generation: that has to be read
    report = world.archive()
    assert (report.ok, report.done, report.outputs) == (True, 1, 0)
    composed(world, "a.tif", b"one", b"TWO")
    assert world.archive().outputs == 2
    assert world.kept("a.tif") == [b"onetwo", b"oneTWO"]


@pytest.mark.parametrize("verify", Verify)
def test_a_large_object_goes_in_parts_and_its_etag_is_taken_for_no_md5(world: World, verify: Verify) -> None:
    world.set(verify=verify)
    old, new = noise(LARGE), noise(LARGE, 2)
    world.source.write("a.tif", old, content_type="image/tiff", headers={"Cache-Control": "no-cache"})
    assert world.archive().ok
    entry = world.mirror.head("a.tif")
    assert entry is not None
    assert (entry.content_type, entry.headers) == ("image/tiff", {"Cache-Control": "no-cache"})
    (world.studio / "state").rename(world.studio / "lost")  # nothing is known of what stands there
    world.source.write("a.tif", new)
    report = world.archive()
    assert report.ok, report.not_done
    assert world.mirrored() == {"a.tif": new}
    assert sorted(map(md5_of, world.kept("a.tif"))) == sorted(map(md5_of, (old, new)))
    assert world.archive(Mode.ALL).ok


@pytest.mark.parametrize("mirrored_clouds", ["radosgw"], indirect=True)
@pytest.mark.parametrize("other_parts", [False, True])
def test_a_version_on_the_server_is_read_only_where_nothing_vouches_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch, other_parts: bool
) -> None:
    """One that is too large for a single copy has other parts, and so another ETag than what it is of."""
    world.set(verify=Verify.CHECKSUM)
    world.source.write("a.tif", noise(LARGE))
    if other_parts:
        monkeypatch.setattr(s3, "COPY_LIMIT", PART)
        monkeypatch.setattr(s3_multipart, "_COPY_PART", 2 * PART)
    read: list[str] = []

    def hashing(store: Store, entry: Entry, *kinds: Kind) -> Hashes:
        read.append(entry.key)
        return hashes_of(store, entry, *kinds)

    monkeypatch.setattr(proof, "hashes_of", hashing)
    assert world.archive().ok
    (version,) = world.versions.list()
    assert read == ([version.key] if other_parts else [])


def test_a_large_copy_that_nobody_knows_and_is_the_same_is_only_read(world: World) -> None:
    data = noise(LARGE)
    world.source.write("a.tif", data)
    world.archive()
    before = world.mirror.head("a.tif")
    (world.studio / "state").rename(world.studio / "lost")
    report = world.archive()
    assert (report.ok, report.done, report.outputs) == (True, 1, 0)
    assert world.mirror.head("a.tif") == before


def test_what_is_stored_packed_is_copied_packed(world: World) -> None:
    packed = gzip.compress(b"the catalogue " * 100, mtime=0)
    headers = {"Content-Encoding": "gzip"}
    world.source.write("catalogue.json", packed, content_type="application/json", headers=headers)
    world.source.write("large.json", gzip.compress(os.urandom(LARGE)), headers=headers)
    assert world.archive().ok
    assert world.mirror.read("catalogue.json") == packed
    assert contents(world.mirror) == contents(world.source)
    for key in ("catalogue.json", "large.json"):
        entry = world.mirror.head(key)
        assert entry is not None
        assert entry.headers == headers
    assert world.kept("catalogue.json") == [packed]


def test_an_encrypted_objects_etag_is_taken_for_no_md5(
    open_backend: Callable[[str], Store], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a key of KMS's an ETag looks like an MD5, and is none."""
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(tmp_path / "studio"))
    world = world_of(open_backend("gcs"), open_backend("moto"), tmp_path / "studio")
    boto3.client("s3").put_object(
        Bucket=BUCKET, Key=named(world.mirror, "a.tif"), Body=b"theirs", ServerSideEncryption="aws:kms"
    )
    world.source.write("a.tif", b"the scan")
    entry = world.mirror.head("a.tif")
    assert entry is not None
    assert not entry.hashes.md5
    assert world.archive().ok
    assert world.mirrored() == {"a.tif": b"the scan"}
    assert sorted(world.kept("a.tif")) == [b"the scan", b"theirs"]


def test_a_copy_on_the_server_that_is_wrong_is_no_version(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when another object came to stand there while it was copied, by a service that heeds no conditions."""
    world.source.write("a.tif", noise(LARGE))
    copying = S3Store.copy

    def wrong(store: S3Store, source: str, target: str, **more: Any) -> Any:
        world.mirror.write("elsewhere", b"another object")
        return copying(store, "elsewhere", target, **more)

    with monkeypatch.context() as patch:
        patch.setattr(S3Store, "copy", wrong)
        report = world.archive()
    assert (report.failed, report.kinds) == (1, {"mismatch": 1})
    assert " instead of " in report.not_done[0].reason
    assert world.kept("a.tif") == [], "what is not that version does not bear its name"
    world.mirror.delete("elsewhere")
    assert world.archive().ok
    assert world.kept("a.tif") == [noise(LARGE)]


def test_bytes_that_rot_in_the_store_are_found_by_mode_all_and_not_covered_up(world: World) -> None:
    world.source.write("a.tif", b"the scan" * 100)
    world.source.write("b.tif", b"another" * 100)
    world.archive()
    stands = world.mirrored()
    with faults_before("AWS_ENDPOINT_URL") as proxy:
        proxy.inject(Corrupt(50), times=1000, method="GET", path="/mirror/a.tif")
        report = world.archive(Mode.ALL)
    assert (report.done, report.failed, report.kinds) == (1, 1, {"mismatch": 1})
    assert world.mirrored() == stands
