"""Services that fail: nothing lost, nothing corrupt visible, every repeat counted, every fault named."""

import io
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from darkroom.errors import Conflict, Damaged, StoreError, Unavailable
from darkroom.store import Store, asked, retries
from darkroom.store.folder import FolderStore
from darkroom.store.hashes import hash_bytes
from darkroom.store.s3_multipart import _PART
from darkroom.store.transfer import hashes_of, transfer, under_same_keys
from tests.contract.test_store import LARGE, keys_in
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import (
    Corrupt,
    CorruptUpload,
    Delay,
    Duplicate,
    Reset,
    Status,
    Truncate,
    Twice,
    slow_down,
)

SMALL = b"0123456789" * 100
CONTENTS = {"small": SMALL, "large": LARGE}

# S3 checks what it is sent; the GCS emulator's front does as well
ON_THE_WAY_THERE = {
    "slow down": slow_down(),
    "server error": Status(500, "Internal Server Error"),
    "too many requests": Status(429, "Too Many Requests"),
    "refused at once": Reset("before"),
    "cut in the body": Reset("request"),
    "lost answer": Reset("response"),
    "corrupt upload": CorruptUpload(700),
    "sent twice": Duplicate(),
    "slow": Delay(0.3),
    "answered twice": Twice(),
}
ON_THE_WAY_BACK = {
    "slow down": slow_down(),
    "server error": Status(502, "Bad Gateway"),
    "refused at once": Reset("before"),
    "lost answer": Reset("response"),
    "truncated": Truncate(500),
    "slow": Delay(0.3),
    "answered twice": Twice(),
}
HARMLESS = {"sent twice", "slow", "answered twice"}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr(retries, "_LONGEST_WAIT", 0.05)


@pytest.fixture(params=["radosgw", "gcs"])
def backend(request) -> str:
    return request.param


@pytest.fixture
def proxy(backend, open_backend, servers, monkeypatch) -> Iterator[FaultProxy]:
    """Between the client and a real server."""
    variable = "STORAGE_EMULATOR_HOST" if backend == "gcs" else "AWS_ENDPOINT_URL"
    with FaultProxy(servers.environment(backend)[variable]) as between:
        open_backend(backend)
        monkeypatch.setenv(variable, between.endpoint)
        yield between


@pytest.fixture
def store(proxy, open_backend, backend, monkeypatch) -> Store:
    variable = "STORAGE_EMULATOR_HOST" if backend == "gcs" else "AWS_ENDPOINT_URL"
    opened = open_backend(backend)
    monkeypatch.setenv(variable, proxy.endpoint)
    return opened


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
@pytest.mark.parametrize("name", ON_THE_WAY_THERE)
def test_a_write_survives(store, proxy, backend, name, content):
    # of the large object's parts the second one
    if backend == "radosgw":
        proxy.inject(ON_THE_WAY_THERE[name], method="PUT", path="partNumber=2" if content is LARGE else "")
    else:
        proxy.inject(
            ON_THE_WAY_THERE[name], path="upload_id=" if content is LARGE else "/upload/", after=content is LARGE
        )
    try:
        written = store.write("a", io.BytesIO(content), if_absent=True)
    except Damaged:
        # only the client of a resumable upload cannot send a part again that it has been told is there
        assert (backend, content, name in ("corrupt upload", "answered twice")) == ("gcs", LARGE, True)
        assert keys_in(store) == []
        written = store.write("a", io.BytesIO(content), if_absent=True)
    assert any(seen.result == type(ON_THE_WAY_THERE[name]).__name__ for seen in proxy.seen)
    assert store.head("a") == written
    assert store.read("a") == content
    assert store.retries or name in HARMLESS or name == "corrupt upload"
    assert store.sweep("", older_than=timedelta(0)) == 0


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
@pytest.mark.parametrize("name", ON_THE_WAY_BACK)
def test_a_read_survives(store, proxy, backend, name, content):
    store.write("a", io.BytesIO(content))
    if backend == "radosgw":  # the first answer of a large object only says how large it is
        proxy.inject(ON_THE_WAY_BACK[name], method="GET", after=content is LARGE)
    else:
        proxy.inject(ON_THE_WAY_BACK[name], method="GET", path="[?&]generation=")
    assert store.read("a") == content
    assert sum(store.retries.values()) == (0 if name in HARMLESS else 1)


@pytest.mark.parametrize("name", [name for name in ON_THE_WAY_BACK if name != "truncated"])
def test_a_listing_survives(store, proxy, name):
    for key in "abc":
        store.write(key, b"1")
    proxy.inject(ON_THE_WAY_BACK[name], method="GET", path=r"list-type=2|/o\?")
    assert keys_in(store) == ["a", "b", "c"]
    assert sum(store.retries.values()) == (0 if name in HARMLESS else 1)


def test_a_small_object_corrupted_on_its_way_is_fetched_again(store, proxy, backend):
    store.write("a", SMALL)
    proxy.inject(Corrupt(7), method="GET", path="[?&]generation=" if backend == "gcs" else "")
    assert store.read("a") == SMALL
    assert store.retries == {"corrupt answer": 1}


def test_a_large_object_corrupted_on_its_way_raises_before_its_end(store, proxy, backend):
    store.write("a", LARGE)  # bytes go in one part, so S3 has an MD5 of them
    proxy.inject(Corrupt(7), times=9, method="GET", path="[?&]generation=" if backend == "gcs" else "")
    with store.open("a") as reading, pytest.raises(Damaged, match=r"the bytes that came have the .* instead of "):
        reading.stream.read()


def test_an_object_that_is_read_back_damaged_is_read_again_and_then_told(store, proxy, backend):
    hashes = hash_bytes(LARGE, "md5", "crc32c")
    entry = store.write("a", LARGE)
    path = "[?&]generation=" if backend == "gcs" else ""
    proxy.inject(Corrupt(7), method="GET", path=path, after=backend == "radosgw")
    assert hashes_of(store, entry, "md5", "crc32c") == hashes
    proxy.inject(Corrupt(7), times=99, method="GET", path=path)
    with pytest.raises(Damaged, match=r"the bytes that came have the .* instead of "):
        hashes_of(store, entry, "md5", "crc32c")


def test_a_service_that_stays_away_is_given_up_with_its_name(store, proxy):
    proxy.inject(slow_down(), times=1000)
    with pytest.raises(Unavailable, match=rf"failed {retries.ATTEMPTS} times, at last with (SlowDown|HTTP 503)"):
        store.read("a")
    assert len(proxy.seen) == retries.ATTEMPTS
    assert sum(store.retries.values()) == retries.ATTEMPTS - 1


def test_a_copy_of_many_stops_when_the_service_stays_away(store, proxy, tmp_path):
    source = FolderStore(tmp_path)
    count = 3 * store.concurrency
    for number in range(count):
        source.write(f"{number:03}", SMALL)
    proxy.inject(slow_down(), times=count * retries.ATTEMPTS)
    with pytest.raises(Unavailable, match=r"at last with (SlowDown|HTTP 503)"):
        list(transfer(source, store, under_same_keys(source.list())))
    assert len(proxy.seen) < count * retries.ATTEMPTS


def test_a_copy_of_many_goes_on_when_only_some_objects_fail(store, proxy, backend, tmp_path):
    if backend == "gcs":
        pytest.skip("an upload to Google names its object where the proxy does not look")
    source = FolderStore(tmp_path)
    count = 3 * store.concurrency
    for number in range(count):
        source.write(f"{number:03}", SMALL)
    proxy.inject(slow_down(), times=count * retries.ATTEMPTS, path="/007")  # and no 007 in the random prefix
    failed = [moved for moved in transfer(source, store, under_same_keys(source.list())) if moved.reason]
    assert [moved.move.key for moved in failed] == ["007"]
    assert len(keys_in(store)) == count - 1


def test_expired_credentials_are_worth_another_try(store, proxy, backend):
    if backend == "gcs":
        pytest.skip("Google's client renews its credentials itself")
    proxy.inject(Status(400, "Bad Request", b"<Error><Code>ExpiredToken</Code></Error>"), times=2)
    for attempt in (lambda: store.write("a", b"1"), lambda: list(store.list())):
        with pytest.raises(Unavailable, match="credentials have expired"):
            attempt()


def test_not_found_and_forbidden_are_asked_once(store, proxy, backend):
    assert store.head("none") is None
    assert len(proxy.seen) == 1
    proxy.inject(Status(403, "Forbidden"))
    with pytest.raises(StoreError, match="refuses access"):
        store.read("none")
    assert len(proxy.seen) == 2
    assert store.retries == {}


def test_a_lost_answer_to_a_create_is_not_taken_for_another_writers_object(store, proxy, backend):
    proxy.inject(Reset("response"), path="/upload/" if backend == "gcs" else "")
    store.write("a", b"mine", if_absent=True)
    with pytest.raises(Conflict):
        store.write("a", b"other", if_absent=True)
    assert store.read("a") == b"mine"


@pytest.mark.parametrize("fault", ["", "slow down"])
def test_every_request_is_counted_as_the_service_sees_it(store, proxy, fault):
    store.write("warm", b"connected")
    asked.taken()
    proxy.clear()
    if fault:
        proxy.inject(slow_down(), times=2)  # what is repeated is asked, and paid, once more
    store.write("a", SMALL)
    store.write("a", SMALL[1:], if_match=store.head("a").etag)
    store.write("large", io.BytesIO(LARGE), if_absent=True)
    assert store.read("a") == SMALL[1:]
    assert store.read("large") == LARGE
    store.copy("a", "b")
    assert keys_in(store) == ["a", "b", "large", "warm"]
    store.sweep("", older_than=timedelta(0))
    store.delete("b")
    assert store.delete_all(["a", "large"]) == {}
    assert asked.taken() == dict(Counter(asked.kind_of(method, path) for method, path, _ in proxy.seen))


@pytest.mark.parametrize("backend", ["radosgw"])
def test_a_completion_whose_answer_is_lost_is_seen_to_have_happened(store, proxy):
    proxy.inject(Reset("response"), method="POST", path="uploadId=")
    store.write("a", io.BytesIO(LARGE), if_absent=True)
    assert store.read("a") == LARGE


@pytest.mark.parametrize("backend", ["radosgw"])
def test_an_upload_that_fails_for_good_leaves_no_parts(store, proxy):
    proxy.inject(slow_down(), times=retries.ATTEMPTS, method="PUT", path="partNumber=2")
    with pytest.raises(StoreError, match=r"uploading part 2 .* SlowDown"):
        store.write("a", io.BytesIO(LARGE))
    proxy.clear()
    assert keys_in(store) == []
    assert store.sweep("", older_than=timedelta(0)) == 0
    assert len(LARGE) > 2 * _PART
