"""What S3 and GCS do beyond a folder: names that only they hold, metadata, leftovers, and what they say no with."""

import gc
import io
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import boto3
import obstore.store
import pytest

from darkroom.errors import BadInput, Conflict, Denied, NotFound, SourceChanged, StoreError
from darkroom.store import Store, open_store, read_object, s3, s3_multipart
from darkroom.store.hashes import hash_bytes
from darkroom.store.s3_access import S3Access
from darkroom.store.streams import PART
from tests.contract.test_store import LARGE, keys_in
from tests.servers.backends import BUCKET

# NFC and NFD of one word are two objects; `a` stands beside `a/b`
NAMES = [
    "Zo\u00eb", "Zoe\u0308", "a b", "a+b", "a%20b", "a%b", "a&b", "a?b#c", "it's", '"q"', ".hidden", "..", "a", "a/b",
    "a//b", "/a", "a/", "a/../b", "a/./b", "日本/😀.png", "a\\b", "{a}[b]<c>|^`~", "tab\there", "$(a);b=c,d@e!f*g:h",
]  # fmt: skip

NOT_IN_THE_EMULATOR = {"..", "a//b", "/a", "a/", "a/../b", "a/./b", "a\\b"}  # Google's own service holds them


def test_any_name_is_kept_to_the_letter(service):
    names = [name for name in NAMES if not (service.uri.startswith("gs:") and name in NOT_IN_THE_EMULATOR)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: service.write(name, name.encode()), names))
    assert keys_in(service) == sorted(names)
    for name in names:
        assert service.read(name) == name.encode()
        assert read_object(service.uri_of(name)) == name.encode()
        assert service.head(name).bytes == len(name.encode())
        assert service.copy(name, f"copies/{name}").bytes == len(name.encode())
    assert keys_in(service, "copies/") == sorted(f"copies/{name}" for name in names)
    assert service.delete_all(names) == {}
    assert keys_in(service) == sorted(f"copies/{name}" for name in names)


def test_a_name_of_1024_bytes_is_held_and_one_more_is_refused(service):
    prefix = service.uri.split("/", 3)[3] + "/"
    longest = "x" * 500 + "/" + "é" * ((1024 - len(prefix) - 501) // 2)
    service.write(longest, b"1")
    assert service.read(longest) == b"1"
    for name in (longest + "éé", "", "\udcff"):
        with pytest.raises(StoreError, match="rename it"):
            service.write(name, b"1")
    assert keys_in(service) == [longest]


def test_where_s3_heeds_a_copys_condition_its_bytes_stay_on_the_server(open_backend, monkeypatch):
    store = open_backend("moto")
    monkeypatch.setattr(S3Access, "copies_conditionally", True)
    monkeypatch.setattr(store, "open", None)
    store.write("a", b"1", content_type="image/png")
    theirs = store.write("d", b"2")
    assert store.copy("a", "b", if_absent=True).etag == store.head("a").etag
    with pytest.raises(Conflict):
        store.copy("a", "d", if_absent=True)
    with pytest.raises(Conflict):
        store.copy("a", "d", if_match=store.head("a").etag)
    with pytest.raises(Conflict):
        store.copy("a", "none", if_match=theirs.etag)
    assert store.head("d") == theirs
    store.copy("a", "d", if_match=theirs.etag)
    assert (store.head("d").bytes, store.head("d").content_type) == (1, "image/png")
    with pytest.raises(NotFound):
        store.copy("none", "e", if_absent=True)


def test_a_source_that_changes_while_it_is_copied_is_refused(open_backend, monkeypatch):
    """On the two services that copy conditionally; elsewhere the bytes that are read are those that are compared."""
    gcs = open_backend("gcs")
    _change_while(monkeypatch, gcs, "_copy")
    moto = open_backend("moto")
    monkeypatch.setattr(S3Access, "copies_conditionally", True)
    _change_while(monkeypatch, moto, "_copy")
    _expect_refusal(moto)
    monkeypatch.setattr(s3, "COPY_LIMIT", 0)
    _expect_refusal(moto)
    open_backend("gcs")
    _expect_refusal(gcs)


def _change_while(monkeypatch, store: Store, name: str) -> None:
    """Let another writer replace `a` once a copy has looked at it."""
    copy = getattr(store, name)

    def meanwhile(*given: object) -> object:
        store.write("a", b"theirs")
        return copy(*given)

    monkeypatch.setattr(store, name, meanwhile)


def _expect_refusal(store: Store) -> None:
    mine = store.write("a", b"mine!!")
    for condition in ({}, {"if_absent": True}):
        with pytest.raises(SourceChanged, match="another object stands there now"):
            store.copy("a", "b", **condition, if_source_match=mine.etag)
        mine = store.write("a", b"mine!!")
    assert keys_in(store) == ["a"]


def test_a_large_copy_in_parts_heeds_its_condition(open_backend, monkeypatch):
    store = open_backend("moto")
    monkeypatch.setattr(S3Access, "copies_conditionally", True)
    monkeypatch.setattr(s3, "COPY_LIMIT", len(LARGE) - 1)
    store.write("a", LARGE)
    store.copy("a", "b", if_absent=True)
    with pytest.raises(Conflict):
        store.copy("a", "b", if_absent=True)
    with pytest.raises(Conflict):
        store.copy("a", "b", if_match="1")
    assert store.read("b") == LARGE


@pytest.mark.parametrize("content", [b"hello", LARGE], ids=["small", "large"])
def test_content_type_and_metadata_are_kept_and_copied(service, content):
    service.write("a", io.BytesIO(content), content_type="image/png", metadata={"width": "800", "who": "a, b"})
    service.copy("a", "b")
    for key in ("a", "b"):
        seen = service.head(key)
        assert (seen.content_type, dict(seen.metadata)) == ("image/png", {"width": "800", "who": "a, b"})
        with service.open(key) as reading:
            assert (reading.entry.content_type, dict(reading.entry.metadata)) == (
                seen.content_type,
                dict(seen.metadata),
            )


def test_small_objects_have_an_md5_that_the_service_vouches_for(service):
    service.write("a", b"hello")
    assert service.head("a").hashes.md5 == hash_bytes(b"hello", "md5").md5


def test_a_bucket_that_is_not_there_is_named(service):
    scheme = service.uri.partition("://")[0]
    absent = open_store(f"{scheme}://no-such-bucket-{secrets.token_hex(4)}/prefix")
    for attempt in (lambda: absent.write("a", b"1"), lambda: absent.read("a"), lambda: list(absent.list())):
        with pytest.raises(BadInput, match=r"no-such-bucket.*there is no such bucket"):
            attempt()


def test_a_listing_of_several_pages_gives_every_object_once(open_backend):
    store = open_backend("moto")
    names = [f"{number:05}" for number in range(2_345)]
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda name: store.write(name, b"1", confirm=False), names))
    assert [entry.key for entry in store.list()] == names
    assert store.unconfirmed(written) == {}
    store.delete("01000")
    store.write("02000", b"22")
    reasons = store.unconfirmed(written)
    assert sorted(reasons) == ["01000", "02000"]
    assert "not there" in reasons["01000"]
    assert "2 instead of 1 bytes" in reasons["02000"]
    assert store.delete_all(names) == {}
    assert keys_in(store) == []


def test_what_a_killed_writer_left_is_swept_when_it_is_old(open_backend):
    store = open_backend("radosgw")  # moto dates every upload 2010
    prefix = store.uri.split("/", 3)[3]
    client = boto3.Session().client("s3")
    upload = client.create_multipart_upload(Bucket=BUCKET, Key=f"{prefix}/a")["UploadId"]
    client.upload_part(Bucket=BUCKET, Key=f"{prefix}/a", UploadId=upload, PartNumber=1, Body=b"1")
    assert store.sweep("", older_than=timedelta(hours=1)) == 0
    assert store.sweep("b", older_than=timedelta(0)) == 0
    assert store.sweep("", older_than=timedelta(0)) == 1
    assert store.sweep("", older_than=timedelta(0)) == 0


@pytest.mark.parametrize("backend", ["moto", "radosgw"])
def test_an_object_above_the_copy_limit_is_copied_in_parts(open_backend, backend, monkeypatch):
    store = open_backend(backend)
    monkeypatch.setattr("darkroom.store.s3.COPY_LIMIT", PART)
    monkeypatch.setattr(s3_multipart, "_COPY_PART", PART)
    store.write("a", io.BytesIO(LARGE), content_type="image/tiff", metadata={"w": "1"})
    store.copy("a", "b")
    seen = store.head("b")
    assert (seen.content_type, dict(seen.metadata)) == ("image/tiff", {"w": "1"})
    assert seen.etag.endswith("-3")
    assert store.read("b") == LARGE


def test_wrong_credentials_are_said_once_and_not_retried(open_backend, monkeypatch):
    writable = open_backend("radosgw")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    store = open_store(writable.uri)
    for attempt in (lambda: store.write("a", b"1"), lambda: store.read("a"), lambda: list(store.list())):
        with pytest.raises(Denied, match="refuses access") as raised:
            attempt()
        assert "wrong" not in str(raised.value)
    assert store.retries == {}


def test_no_credentials_at_all_is_bad_input_with_what_to_do(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(BadInput, match="no AWS credentials; set AWS_ACCESS_KEY_ID"):
        open_store("s3://studio").read("a")
    with pytest.raises(BadInput, match="no usable Google credentials; set GOOGLE_APPLICATION_CREDENTIALS"):
        open_store("gs://studio").read("a")


def test_a_profile_is_a_way_to_say_who_and_where(open_backend, monkeypatch, tmp_path):
    store = open_backend("radosgw")
    store.write("a", b"1")
    environment = {name: boto3.Session().get_credentials() for name in ("it",)}["it"]
    (tmp_path / "credentials").write_text(
        f"[studio]\naws_access_key_id = {environment.access_key}\naws_secret_access_key = {environment.secret_key}\n"
    )
    endpoint = boto3.Session().client("s3").meta.endpoint_url
    (tmp_path / "config").write_text(f"[profile studio]\nregion = us-east-1\nendpoint_url = {endpoint}\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "studio")
    assert open_store(store.uri).read("a") == b"1"


@pytest.mark.parametrize("location", ["s3://", "s3:///a", "s3://Bad_Bucket!/a", "gs://a", "s3://a/../b@host/"])
def test_a_location_that_names_no_bucket_is_bad_input(location):
    with pytest.raises(BadInput, match="is no bucket's name"):
        open_store(location)


def test_of_a_store_that_nobody_holds_any_more_nothing_stays(open_backend):
    """Airflow's processes live for weeks, and open stores with every task that they look at."""

    def clients() -> int:
        gc.collect()
        return sum(isinstance(found, obstore.store.S3Store) for found in gc.get_objects())

    before, store = clients(), open_backend("moto")
    store.write("a", b"a")
    assert store.read("a") == b"a"
    assert clients() == before + 1
    del store
    assert clients() == before
