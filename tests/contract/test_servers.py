"""What the tests' own servers promise: each fault happens, and each service refuses what the real one refuses."""

import http.client
import io
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from google.api_core.exceptions import BadRequest, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from tests.servers.fault_proxy import FaultProxy, Seen
from tests.servers.faults import (
    Corrupt,
    CorruptUpload,
    Delay,
    Duplicate,
    Fault,
    Hang,
    Reset,
    Status,
    Truncate,
    Twice,
    slow_down,
)
from tests.servers.gcs import gcs_emulator
from tests.servers.moto import moto_s3
from tests.servers.radosgw import available, radosgw
from tests.servers.s3 import S3Server
from tests.servers.upstream import CONTENT, Upstream


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[FaultProxy]:
    with FaultProxy(upstream.endpoint) as proxy:
        yield proxy


class Client(http.client.HTTPConnection):
    def __init__(self, proxy: FaultProxy, timeout: float = 5) -> None:
        super().__init__(urlsplit(proxy.endpoint).netloc, timeout=timeout)

    def ask(self, method: str, path: str = "/a", body: Any = None, **headers: str) -> tuple[int, bytes]:
        self.request(method, path, body, headers)
        response = self.getresponse()
        return response.status, response.read()


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[Client]:
    with closing(Client(proxy)) as client:
        yield client


def test_the_proxy_passes_everything_as_it_is_over_one_connection(client, proxy, upstream):
    path = "/b/a%2Fb%20c+d//e/../f?x=%2f&y"
    assert client.ask("GET", path) == (200, CONTENT)
    assert client.ask("HEAD") == (200, b"")
    assert client.ask("GET", "/nothing") == (204, b"")
    assert client.ask("GET", "/chunked") == (200, CONTENT)
    assert client.ask("PUT", body=b"x" * 200_000) == (200, CONTENT)
    assert client.ask("PUT", body=iter([b"chunk", b"ed"])) == (200, CONTENT)
    assert upstream.got[0][1:3] == (path, urlsplit(proxy.endpoint).netloc)
    assert [body for *_, body in upstream.got[4:]] == [b"x" * 200_000, b"chunked"]
    assert len(upstream.connections) == 1
    assert proxy.seen[0] == Seen("GET", path, 200)
    assert proxy.seen[2] == Seen("GET", "/nothing", 204)


def test_the_proxy_tells_the_client_to_go_on_with_its_body(client, proxy, upstream):
    client.putrequest("PUT", "/a")
    client.putheader("Content-Length", "4")
    client.putheader("Expect", "100-continue")
    client.endheaders()
    assert client.sock.recv(100).startswith(b"HTTP/1.1 100 ")
    client.send(b"body")
    assert client.getresponse().status == 200
    assert upstream.got[0][3] == b"body"


def test_a_fault_befalls_only_the_requests_it_is_meant_for(client, proxy, upstream):
    proxy.inject(slow_down(), times=2, after=1, method="PUT", path=r"^/b/.*\?part=")
    asked = [("PUT", "/b/a?part=1"), ("GET", "/b/a?part=1"), ("PUT", "/b/a"), *[("PUT", "/b/a?part=2")] * 3]
    assert [client.ask(method, path)[0] for method, path in asked] == [200, 200, 200, 503, 503, 200]
    assert [seen.result for seen in proxy.seen] == [200, 200, 200, "Status", "Status", 200]
    assert len(upstream.got) == 4
    proxy.inject(slow_down())
    proxy.clear()
    assert client.ask("GET")[0] == 200
    assert proxy.seen == [Seen("GET", "/a", 200)]


def test_a_status_is_answered_without_the_server(client, proxy, upstream):
    proxy.inject(slow_down())
    status, body = client.ask("PUT", body=b"x" * 1_000_000)
    assert (status, upstream.got) == (503, [])
    assert b"<Code>SlowDown</Code>" in body
    proxy.inject(Status(429, "Too Many Requests", b"{}", "application/json"))
    assert client.ask("HEAD") == (429, b"")
    assert client.ask("GET") == (200, CONTENT)


@pytest.mark.parametrize(("when", "arrived"), [("before", 0), ("request", 0), ("response", 1)])
def test_a_reset_is_one_for_the_client(client, proxy, upstream, when, arrived):
    proxy.inject(Reset(when))
    with pytest.raises(ConnectionError) as caught:
        client.ask("PUT", body=b"x" * 1_000_000)
    client.close()
    assert not isinstance(caught.value, http.client.RemoteDisconnected)  # that is how an orderly end looks
    assert len(upstream.got) == arrived
    assert client.ask("PUT", body=b"again") == (200, CONTENT)


@pytest.mark.parametrize("path", ["/a", "/chunked"])
def test_a_truncated_answer_ends_early(client, proxy, path):
    proxy.inject(Truncate(3))
    with pytest.raises(http.client.IncompleteRead) as caught:
        client.ask("GET", path)
    assert caught.value.partial in (CONTENT[:3], b"")  # http.client keeps no part of a broken chunk


def test_one_byte_is_corrupted_on_the_way(client, proxy, upstream):
    for path in ("/a", "/chunked"):
        proxy.inject(Corrupt(5))
        assert client.ask("GET", path) == (200, b"01234" + b"4" + b"6789")
    proxy.inject(CorruptUpload(1))
    client.ask("PUT", body=b"000")
    proxy.inject(CorruptUpload(3))
    client.ask("PUT", body=iter([b"00", b"000"]))
    assert [body for *_, body in upstream.got[2:]] == [b"010", b"00010"]


def test_a_duplicated_request_reaches_the_server_twice(client, proxy, upstream):
    proxy.inject(Duplicate())
    assert client.ask("PUT", body=b"x" * 200_000) == (200, CONTENT)
    assert [body for *_, body in upstream.got] == [b"x" * 200_000] * 2
    assert client.ask("GET") == (200, CONTENT)


def test_a_duplicated_answer_comes_twice_and_ends_the_connection(client, proxy):
    proxy.inject(Twice())
    client.request("GET", "/a")
    received = b""
    while data := client.sock.recv(65536):
        received += data
    assert received.count(b"HTTP/1.1 200 OK") == received.count(CONTENT) == 2


@pytest.mark.parametrize(("fault", "ends"), [(Delay(0.3), (200, CONTENT)), (Hang(0.3), None)])
def test_waiting_faults_wait(client, proxy, upstream, fault: Fault, ends):
    began = time.monotonic()
    proxy.inject(fault)
    if ends:
        assert client.ask("GET") == ends
    else:
        with pytest.raises(http.client.RemoteDisconnected):
            client.ask("GET")
        assert upstream.got == []
    assert time.monotonic() - began >= 0.3


def test_the_end_of_the_proxy_waits_for_no_hanging_request(upstream):
    with FaultProxy(upstream.endpoint) as proxy:
        proxy.inject(Hang(60))
        client, idle = Client(proxy), Client(proxy)
        client.request("GET", "/a")
        while not proxy.seen:
            time.sleep(0.01)
        assert idle.ask("GET") == (200, CONTENT)
        began = time.monotonic()
    with closing(client), pytest.raises(ConnectionError):
        client.getresponse()
    with closing(idle), pytest.raises(ConnectionError):
        idle.ask("GET")
    assert time.monotonic() - began < 2


@pytest.fixture(scope="module")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with gcs_emulator(tmp_path_factory.mktemp("gcs")) as endpoint:
        bucket_at(endpoint).create()
        yield endpoint


@pytest.fixture(scope="module")
def bucket(gcs: str) -> storage.Bucket:
    return bucket_at(gcs)


def bucket_at(endpoint: str) -> storage.Bucket:
    options = {"api_endpoint": endpoint}
    return storage.Client(project="test", credentials=AnonymousCredentials(), client_options=options).bucket("bucket")


def upload(blob: storage.Blob, data: bytes, **arguments: Any) -> None:
    if blob.chunk_size:
        blob.upload_from_file(io.BytesIO(data), **arguments)  # of unknown size, so in chunks
    else:
        blob.upload_from_string(data, **arguments)


@pytest.mark.parametrize("chunk_size", [None, 256 * 1024])
def test_gcs_keeps_only_what_meets_its_conditions(bucket, chunk_size):
    def put(data: bytes, **conditions: int) -> storage.Blob:
        blob = bucket.blob(f"conditions {chunk_size}", chunk_size=chunk_size)
        upload(blob, data, **conditions)
        return blob

    with pytest.raises(PreconditionFailed):
        put(b"0", if_generation_match=1)
    seen = put(b"1", if_generation_match=0).generation
    with pytest.raises(PreconditionFailed):
        put(b"2", if_generation_match=0)
    blob = put(b"3" * 600_000, if_generation_match=seen)
    with pytest.raises(PreconditionFailed):
        put(b"4", if_generation_match=seen)
    with pytest.raises(PreconditionFailed):
        blob.delete(if_generation_match=seen)
    with pytest.raises(PreconditionFailed):
        bucket.copy_blob(blob, bucket, blob.name, if_generation_match=0)
    with pytest.raises(NotFound):
        bucket.blob(blob.name, generation=seen).download_as_bytes()
    assert bucket.blob(blob.name, generation=blob.generation).download_as_bytes() == b"3" * 600_000
    blob.delete(if_generation_match=blob.generation)
    assert bucket.get_blob(blob.name) is None


@pytest.mark.parametrize("chunk_size", [None, 256 * 1024])
@pytest.mark.parametrize("checksum", [{"md5_hash": "AAAAAAAAAAAAAAAAAAAAAA=="}, {"crc32c": "AAAAAA=="}])
def test_gcs_keeps_only_what_its_checksum_says(bucket, chunk_size, checksum):
    blob = bucket.blob("checksums", chunk_size=chunk_size)
    for name, value in checksum.items():
        setattr(blob, name, value)
    with pytest.raises(BadRequest, match="doesn't match"):
        upload(blob, b"x" * 300_000, checksum=None)
    assert bucket.get_blob("checksums") is None


def test_gcs_keeps_no_chunk_that_was_damaged_on_the_way(gcs, bucket):
    with FaultProxy(gcs) as proxy:
        proxy.inject(CorruptUpload(7), method="PUT", path="upload_id=")
        with pytest.raises(BadRequest, match="doesn't match"):
            upload(bucket_at(proxy.endpoint).blob("damaged", chunk_size=256 * 1024), b"x" * 300_000)
    assert bucket.get_blob("damaged") is None


def test_gcs_lists_in_pages_and_does_batches(bucket):
    names = [f"pages/{name}" for name in ("a", "a/b", "a%20b", "a+b", "a?#", "Zoë")]
    for name in names:
        bucket.blob(name).upload_from_string(name.encode())
    pages = [[blob.name for blob in page] for page in bucket.list_blobs(prefix="pages/", page_size=4).pages]
    assert [len(page) for page in pages] == [4, 2]
    assert [name for page in pages for name in page] == sorted(names)
    assert bucket.blob("pages/a").download_as_bytes(start=6, end=6) == b"a"
    with bucket.client.batch(raise_exception=False):
        bucket.blob("pages/a").delete(if_generation_match=1)
        for name in names[1:]:
            bucket.delete_blob(name)
    assert [blob.name for blob in bucket.list_blobs(prefix="pages/")] == ["pages/a"]


def client_of(server: S3Server, secret_key: str | None = None) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=secret_key or server.secret_key,
        config=Config(retries={"total_max_attempts": 1}),
    )


def refusal(action: Any, **arguments: Any) -> tuple[int, str]:
    with pytest.raises(ClientError) as caught:
        action(**arguments)
    return caught.value.response["ResponseMetadata"]["HTTPStatusCode"], caught.value.response["Error"]["Code"]


@pytest.mark.skipif(not available(), reason="Ceph is not installed")
def test_radosgw_refuses_strangers_and_what_is_there_already_and_passes_the_proxy(tmp_path):
    with radosgw(tmp_path) as server, FaultProxy(server.endpoint) as proxy:
        through_proxy = S3Server(proxy.endpoint, server.access_key, server.secret_key)
        client = client_of(through_proxy)
        client.create_bucket(Bucket="bucket")
        put = {"Bucket": "bucket", "Key": "Zoë's a+b%20", "Body": b"1", "IfNoneMatch": "*"}
        client.put_object(**put)
        assert refusal(client.put_object, **put) == (412, "PreconditionFailed")
        stranger = client_of(server, "wrong")
        assert refusal(stranger.put_object, **put | {"Key": "b"}) == (403, "SignatureDoesNotMatch")
        proxy.inject(CorruptUpload(0), method="PUT")
        assert (
            refusal(client.put_object, Bucket="bucket", Key="c", Body=b"1", ContentMD5="xMpCOKC5I4INzFCab3WEmw==")[0]
            == 400
        )
        assert [entry["Key"] for entry in client.list_objects_v2(Bucket="bucket")["Contents"]] == [put["Key"]]
    with pytest.raises(ConnectionError):
        http.client.HTTPConnection(urlsplit(server.endpoint).netloc).request("GET", "/")


def test_moto_answers_and_is_gone_after_the_block():
    with moto_s3() as server:
        client = client_of(server)
        client.create_bucket(Bucket="bucket")
        assert client.list_buckets()["Buckets"][0]["Name"] == "bucket"
    with pytest.raises(ConnectionError):
        http.client.HTTPConnection(urlsplit(server.endpoint).netloc).request("GET", "/")


@pytest.mark.skipif(not shutil.which("setpriv"), reason="needs util-linux")
def test_servers_die_with_the_tests_that_are_killed(tmp_path):
    script = """
import sys, threading, time
from pathlib import Path
from tests.servers.processes import Processes
with Processes(Path(sys.argv[1])) as processes:
    def start():
        server = processes.start("sleep", ["sleep", "600"])
        time.sleep(0.3)
        print(server.pid, flush=True)
    threading.Thread(target=start).start()
    time.sleep(600)
"""
    tests = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=Path(__file__).parents[2], stdout=subprocess.PIPE
    )
    assert tests.stdout
    server = int(tests.stdout.readline())
    time.sleep(0.3)
    assert is_running(server)  # though the thread that asked for it ended
    tests.send_signal(signal.SIGKILL)
    tests.wait()
    tests.stdout.close()
    end = time.monotonic() + 5
    while is_running(server) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_running(server)


def is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
