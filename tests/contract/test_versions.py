"""One version of an object: read without a look at it first, and copied from one store to another."""

import os
from collections.abc import Callable
from contextlib import suppress

import boto3
import pytest
from google.api_core.exceptions import Conflict as Exists
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from darkroom.errors import Conflict, NotFound, SourceChanged
from darkroom.store import Entry, Store, gcs_data, open_store, s3, s3_data, s3_multipart
from darkroom.store.access import Access
from darkroom.store.s3_access import S3Access
from darkroom.store.streams import PART
from tests.contract.conftest import SERVICES
from tests.contract.test_store import LARGE, keys_in

CONTENTS = pytest.mark.parametrize("content", [b"", b"hello", LARGE], ids=["empty", "small", "large"])
HEADERS = {"Cache-Control": "no-cache"}


def versions(store: Store, key: str) -> list[Entry]:
    """What may be known of an object: as a listing gives it, and as a head does."""
    return [*(entry for entry in store.list() if entry.key == key), store.head(key)]


@CONTENTS
def test_the_version_that_was_seen_is_read(store, content):
    store.write("a", content, content_type="image/png")
    for version in versions(store, "a"):
        with store.open("a", version=version) as reading:
            assert reading.stream.read() == content
            assert reading.entry == version
            assert reading.entry.content_type == store.head("a").content_type
        with store.open("a", start=2, length=PART, version=version) as reading:
            assert reading.stream.read() == content[2 : 2 + PART]


@CONTENTS
@pytest.mark.parametrize("span", [{}, {"start": 1}], ids=["whole", "from 1 on"])
def test_another_version_than_the_one_that_was_seen_is_not_read(store, content, span):
    store.write("a", content)
    seen = versions(store, "a")
    for other in (content[::-1] + b"1", LARGE, b""):
        store.write("a", other)
        for version in seen:
            if other == content or (span and not content):
                continue  # S3 has one ETag for it; nothing is to be read
            with (
                pytest.raises(SourceChanged, match="a: another object stands there now"),
                store.open("a", **span, version=version) as reading,
            ):
                reading.stream.read()
    store.delete("a")
    for version in seen:
        with pytest.raises((SourceChanged, NotFound)), store.open("a", version=version) as reading:
            reading.stream.read()


def test_a_small_object_that_was_listed_takes_one_request(service, monkeypatch):
    service.write("a", b"1", content_type="image/png", metadata={"w": "1"})
    (listed,) = service.list()
    monkeypatch.setattr(gcs_data, "look", None)
    monkeypatch.setattr(s3_data, "head", None)
    monkeypatch.setattr(s3_data, "glance", None)
    with service.open("a", version=listed) as reading:
        assert (reading.stream.read(), dict(reading.entry.metadata)) == (b"1", {"w": "1"})
        assert (reading.entry.content_type, bool(reading.entry.hashes.known())) == ("image/png", True)


def test_a_large_object_of_which_all_is_known_takes_no_look(service, monkeypatch):
    seen = service.write("a", LARGE)
    monkeypatch.setattr(gcs_data, "look", None)
    monkeypatch.setattr(s3_data, "head", None)
    with service.open("a", version=seen) as reading:
        assert reading.stream.read() == LARGE


def test_a_version_of_which_no_hash_is_known_is_looked_at_and_proven(service):
    for content in (b"hello", LARGE):
        seen = service.write("a", content)
        bare = Entry("a", seen.bytes, seen.etag, seen.modified)
        with service.open("a", version=bare) as reading:
            assert reading.stream.read() == content
            assert reading.entry.hashes.known()


@pytest.fixture(params=["folder", *SERVICES])
def pair(request, open_backend, tmp_path) -> tuple[Store, Store]:
    """A store, and another of the same service in another bucket."""
    store = open_backend(request.param)
    if request.param == "folder":
        return store, open_store(str(tmp_path / "other"))
    return store, in_another_bucket(store)


def in_another_bucket(store: Store, access: Access | None = None) -> Store:
    scheme, _, path = store.uri.partition("://")
    bucket = "another-contract"
    if scheme == "gs":
        options = {"api_endpoint": os.environ["STORAGE_EMULATOR_HOST"]}
        client = storage.Client("tests", AnonymousCredentials(), client_options=options)
        with suppress(Exists):
            client.create_bucket(bucket)
    else:
        boto3.Session().client("s3").create_bucket(Bucket=bucket)  # its owner may say it again
    location = f"{scheme}://{bucket}/{path.partition('/')[2]}"
    return open_store(location, access) if access else open_store(location)


def describe_and_check(source: Store, target: Store, content: bytes) -> None:
    """Copy an object to another store, under every condition, and look at what stands there."""
    written = source.write(
        "from/a", content, content_type="image/png", metadata={"who": "Zoë"}, headers=HEADERS, if_absent=True
    )
    copied = target.copy("from/a", "to/b", origin=source, if_absent=True, if_source_match=written.etag)
    seen = target.head("to/b")
    assert (copied.key, copied.bytes, copied.etag) == ("to/b", len(content), seen.etag)
    assert target.read("to/b") == content
    if not (source.uri.startswith("file:") or target.uri.startswith("file:")):
        assert (seen.content_type, dict(seen.metadata), dict(seen.headers)) == ("image/png", {"who": "Zoë"}, HEADERS)
    for condition in ({"if_absent": True}, {"if_match": seen.etag[::-1]}):
        with pytest.raises(Conflict) as raised:
            target.copy("from/a", "to/b", origin=source, **condition)
        assert not isinstance(raised.value, SourceChanged)
    again = target.copy("from/a", "to/b", origin=source, if_match=seen.etag)
    assert target.copy("from/a", "to/c", origin=source).bytes == len(content)
    source.write("from/a", b"another writer's")
    for condition in ({}, {"if_absent": True}):
        with pytest.raises(SourceChanged, match="from/a"):
            target.copy("from/a", "to/d", origin=source, if_source_match=written.etag, **condition)
    with pytest.raises(NotFound):
        target.copy("from/none", "to/d", origin=source)
    assert target.head("to/b").etag == again.etag
    assert keys_in(target) == ["to/b", "to/c"]
    assert keys_in(source) == ["from/a"]


@CONTENTS
def test_a_copy_from_another_bucket_is_the_same_object(pair, content):
    describe_and_check(*pair, content)


@CONTENTS
def test_a_copy_from_another_service_comes_through_here(open_backend, content):
    gcs, radosgw = open_backend("gcs"), open_backend("radosgw")
    describe_and_check(gcs, radosgw, content)
    gcs.delete_all(keys_in(gcs))
    radosgw.delete_all(keys_in(radosgw))
    describe_and_check(radosgw, gcs, content)


@pytest.mark.parametrize("backend", ["moto", "gcs"])
def test_a_copy_with_other_credentials_comes_through_here(open_backend, backend, monkeypatch):
    store = open_backend(backend)
    variables = ("STORAGE_EMULATOR_HOST",) if backend == "gcs" else ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    other = in_another_bucket(store, Access({name: os.environ[name] for name in variables}))
    monkeypatch.setattr(S3Access, "copies_conditionally", True)
    monkeypatch.setattr(type(store), "_copy", None)
    describe_and_check(store, other, b"1")


@pytest.mark.parametrize("backend", ["moto", "gcs"])
def test_between_buckets_of_one_service_no_bytes_come_by(open_backend, backend, monkeypatch):
    source = open_backend(backend)
    target = in_another_bucket(source)
    monkeypatch.setattr(S3Access, "copies_conditionally", True)
    monkeypatch.setattr(s3_multipart, "_COPY_PART", PART)
    seen = source.write("a", LARGE, content_type="image/png", headers=HEADERS)
    opened: Callable[..., object] = type(source).open
    monkeypatch.setattr(type(source), "open", None)
    target.copy("a", "b", origin=source, if_absent=True, if_source_match=seen.etag)
    monkeypatch.setattr(s3, "COPY_LIMIT", PART)
    target.copy("a", "c", origin=source, if_absent=True, if_source_match=seen.etag)
    with pytest.raises(Conflict):
        target.copy("a", "c", origin=source, if_absent=True)
    with pytest.raises(SourceChanged):
        target.copy("a", "d", origin=source, if_source_match="1")
    monkeypatch.setattr(type(source), "open", opened)
    for key in "bc":
        assert (target.read(key), dict(target.head(key).headers)) == (LARGE, HEADERS)
    assert keys_in(target) == ["b", "c"]


def test_a_copy_from_another_folder_shares_no_bytes_with_it(tmp_path):
    source, archive = open_store(str(tmp_path / "source")), open_store(str(tmp_path / "archive"))
    source.write("a", b"mine")
    for condition in ({"if_absent": True}, {}):
        archive.copy("a", "a", origin=source, **condition)
        with (tmp_path / "source" / "a").open("r+b") as file:  # in place, as no store of Darkroom's does it
            file.write(b"else")
        assert archive.read("a") == b"mine"
        source.write("a", b"mine")
    source.copy("a", "b", origin=open_store(str(tmp_path / "source")))
    assert (tmp_path / "source" / "a").samefile(tmp_path / "source" / "b")
