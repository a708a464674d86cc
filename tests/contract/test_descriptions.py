"""What describes an object beside its name and its bytes: type, headers and metadata, there and back and copied."""

import gzip
import io
import os

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from darkroom.errors import StoreError
from darkroom.store import Entry, Store, open_store, s3, s3_multipart
from darkroom.store.hashes import hash_bytes
from darkroom.store.streams import PART
from darkroom.store.transfer import transfer, under_same_keys
from tests.contract.test_store import LARGE, keys_in
from tests.servers.backends import BUCKET

HEADERS = {
    "Cache-Control": "public, max-age=3600",
    "Content-Disposition": 'attachment; filename="a b.svg"',
    "Content-Encoding": "gzip",
    "Content-Language": "de, en",
}
TEXT = b"<svg>a picture that packs well</svg>" * 4000
PACKED = gzip.compress(TEXT, mtime=0)
RANDOM = gzip.compress(os.urandom(PART + 12_345), mtime=0)  # of several parts
CONTENTS = pytest.mark.parametrize("content", [PACKED, RANDOM], ids=["small", "large"])


def described(entry: Entry) -> tuple[str, dict[str, str], dict[str, str]]:
    return entry.content_type, dict(entry.metadata), dict(entry.headers)


@CONTENTS
@pytest.mark.parametrize("key", ["a.svg", "odd//a.svg"])
def test_what_describes_an_object_is_written_read_and_copied(service, content, key):
    if service.uri.startswith("gs:") and "//" in key:
        pytest.skip("the emulator holds no such name")
    expected = ("image/svg+xml", {"width": "800"}, HEADERS)
    given = {"content_type": expected[0], "metadata": expected[1], "headers": HEADERS}
    assert described(service.write(key, io.BytesIO(content), size=len(content), **given)) == expected
    service.copy(key, "b")
    service.copy(key, "c", if_absent=True)
    for name in (key, "b", "c"):
        seen = service.head(name)
        assert described(seen) == expected
        for version in (None, seen):
            with service.open(name, version=version) as reading:
                assert described(reading.entry) == expected
                assert reading.stream.read() == content
    plain = service.write("plain", b"1")
    assert dict(service.head("plain").headers) == dict(plain.headers) == {}


@CONTENTS
def test_what_is_packed_is_moved_packed_with_all_that_describes_it(store, open_backend, tmp_path, content):
    gcs, back = open_backend("gcs"), open_store(str(tmp_path / "back"))
    expected = ("image/svg+xml", {"width": "800"}, HEADERS)
    gcs.write("a.svg", content, content_type=expected[0], metadata=expected[1], headers=HEADERS)
    kinds = ("md5", "crc32c", "sha256")
    for source, target in ((gcs, store), (store, back)):
        (moved,) = transfer(source, target, under_same_keys(source.list()), hashes=kinds)
        assert (moved.reason, moved.hashes) == ("", hash_bytes(content, *kinds))
        assert target.read("a.svg") == content
    if not store.uri.startswith("file:"):
        assert described(store.head("a.svg")) == expected


def test_gcs_unpacks_for_who_does_not_take_it_packed(open_backend):
    """The test's own server, as Google's; a reader of Darkroom's never meets it."""
    gcs = open_backend("gcs")
    written = gcs.write("a", PACKED, headers=HEADERS)
    gcs.write("b", PACKED, headers=HEADERS | {"Cache-Control": "no-transform"})
    for key, served in (("a", TEXT), ("b", PACKED)):
        answer = _bucket().client._http.get(
            f"{os.environ['STORAGE_EMULATOR_HOST']}{_blob(gcs, key).path.replace('/b/', '/storage/v1/b/')}?alt=media",
            headers={"Accept-Encoding": "identity"},
            stream=True,
        )
        assert answer.raw.read(decode_content=False) == served
        assert ("X-Goog-Hash" in answer.headers) == (key == "b")
    assert (written.bytes, written.hashes) == (len(PACKED), hash_bytes(PACKED, "md5", "crc32c"))


def test_a_listing_of_gcs_knows_what_a_head_knows(open_backend):
    gcs = open_backend("gcs")
    gcs.write("a", b"1", content_type="image/png", metadata={"who": "Zoë"}, headers=HEADERS, if_absent=True)
    gcs.write("b", b"2")
    for listed in gcs.list():
        seen = gcs.head(listed.key)
        assert (listed, listed.hashes, described(listed)) == (seen, seen.hashes, described(seen))
        assert set(listed.hashes.known()) == {"md5", "crc32c"}
        assert "darkroom-write" not in listed.metadata


def test_a_composed_object_has_a_crc32c_and_is_proven_by_it(open_backend, tmp_path):
    gcs, folder = open_backend("gcs"), open_store(str(tmp_path / "folder"))
    for key in ("a", "b"):
        gcs.write(key, key.encode())
    _blob(gcs, "ab").compose([_blob(gcs, "a"), _blob(gcs, "b")])
    gcs.copy("ab", "copy")
    crc32c = hash_bytes(b"ab", "crc32c")
    assert {entry.key: entry.hashes for entry in gcs.list() if entry.bytes == 2} == {"ab": crc32c, "copy": crc32c}
    assert gcs.head("ab").hashes == crc32c
    moves = under_same_keys(entry for entry in gcs.list() if entry.key == "ab")
    (moved,) = transfer(gcs, folder, moves, hashes=("md5", "crc32c"))
    assert (moved.reason, moved.hashes) == ("", hash_bytes(b"ab", "md5", "crc32c"))


@pytest.mark.parametrize("backend", ["moto", "radosgw"])
def test_what_describes_an_object_is_kept_by_a_copy_in_parts(open_backend, backend, monkeypatch):
    store = open_backend(backend)
    monkeypatch.setattr(s3, "COPY_LIMIT", PART)
    monkeypatch.setattr(s3_multipart, "_COPY_PART", PART)
    store.write("a", LARGE, content_type="image/svg+xml", metadata={"who": "Zoë"}, headers=HEADERS)
    store.copy("a", "b")
    assert described(store.head("b")) == ("image/svg+xml", {"who": "Zoë"}, HEADERS)


VALUES = {
    "who": "Zoë",
    "where": "日本 😀",
    "blank": " a  b ",
    "empty": "",
    "coded": "=?UTF-8?B?Wm/Dqw==?=",
    "asked": "a =? b",
    "content-encoding": "is metadata, too",
    "storage-class": "like this",
}


@pytest.mark.parametrize("content", [b"1", LARGE], ids=["small", "large"])
def test_metadata_of_any_letters_makes_the_round_trip(service, content):
    service.write("a", io.BytesIO(content), metadata=VALUES, if_absent=True)
    service.copy("a", "b")
    service.copy("a", "c", if_absent=True)
    for key in "abc":
        assert dict(service.head(key).metadata) == VALUES
        with service.open(key) as reading:
            assert dict(reading.entry.metadata) == VALUES


def test_metadata_goes_from_google_to_s3_and_back(open_backend):
    gcs = open_backend("gcs")
    gcs.write("a", b"1", metadata=VALUES)
    s3_store = open_backend("radosgw")
    assert not [moved.reason for moved in transfer(gcs, s3_store, under_same_keys(gcs.list())) if moved.fault]
    assert dict(s3_store.head("a").metadata) == VALUES
    gcs.delete("a")
    assert not [moved.reason for moved in transfer(s3_store, gcs, under_same_keys(s3_store.list())) if moved.fault]
    assert dict(gcs.head("a").metadata) == VALUES


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"metadata": {"who": "a\r\nx-amz-acl: public-read"}}, "no control characters in metadata, and 'who' is"),
        ({"metadata": {"who am I": "a"}}, "only ASCII letters, digits and .* as a name of metadata, not 'who am I'"),
        ({"metadata": {"größe": "1"}}, "only ASCII letters, digits and .* as a name of metadata, not 'größe'"),
        ({"metadata": {"who": "\udcff"}}, "only Unicode in metadata, and 'who' is"),
        ({"metadata": {"Who": "a", "who": "b"}}, "no case in names of metadata, and there are two of 'who'"),
        ({"metadata": {"who": "é" * 800}}, r"its metadata takes 2,1\d\d bytes, and S3 holds at most 2,048"),
        ({"content_type": "größe"}, "only plain ASCII as Content-Type, not 'größe'"),
        ({"headers": {"Content-Disposition": "Zoë"}}, "only plain ASCII as Content-Disposition, not 'Zoë'"),
    ],
)
def test_what_s3_cannot_hold_of_a_description_is_refused_before_writing(open_backend, given, sentence):
    store = open_backend("moto")
    read = io.BytesIO(b"1")
    with pytest.raises(StoreError, match=sentence):
        store.write("a", read, **given)
    assert read.tell() == 0
    assert keys_in(store) == []


def test_a_header_of_no_known_name_is_a_mistake_of_the_program(service):
    with pytest.raises(ValueError, match="'content-encoding' is none of the headers"):
        service.write("a", b"1", headers={"content-encoding": "gzip"})


def _bucket() -> storage.Bucket:
    options = {"api_endpoint": os.environ["STORAGE_EMULATOR_HOST"]}
    return storage.Client("tests", AnonymousCredentials(), client_options=options).bucket(BUCKET)


def _blob(store: Store, key: str) -> storage.Blob:
    return _bucket().blob(f"{store.uri.split('/', 3)[3]}/{key}")
