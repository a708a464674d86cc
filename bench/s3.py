"""The S3 that is measured against, a radosgw of the benchmark's own; and where the peers' programs are."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

import boto3
import psutil
from mypy_boto3_s3 import S3Client

from bench.measure import Ran, run
from tests.servers.radosgw import radosgw
from tests.servers.s3 import S3Server

AWS_CLI = Path(__file__).resolve().parents[1] / ".venv-aws" / "bin" / "aws"
RCLONE_CLI = Path(sys.executable).with_name("rclone")
_SERVERS = ("ceph-mon", "ceph-osd", "radosgw")
_PIECE = 1 << 20


def s5cmd_cli() -> Path:
    """The program itself, without the Python around it."""
    return Path(next(file.locate() for file in distribution("s5cmd").files or () if file.match("s5cmd/bin/s5cmd")))


def client_of(server: S3Server) -> S3Client:
    """A client of this process' own."""
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name="us-east-1",
    )


def variables(server: S3Server) -> dict[str, str]:
    """What leads Darkroom and every peer to a server, and to nothing else."""
    return {
        **server.environment(),
        "AWS_REGION": "us-east-1",
        "S3_ENDPOINT_URL": server.endpoint,  # s5cmd's
        "RCLONE_S3_ENDPOINT": server.endpoint,
        # nobody's own settings, and no search for credentials beyond these
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }


class Gateway:
    """A radosgw: how it is reached, what it holds, and the CPU seconds that it and its Ceph had."""

    def __init__(self, server: S3Server, folder: Path) -> None:
        self.environment, self.client = variables(server), client_of(server)
        self._configuration = folder / "ceph.conf"
        self._processes = [one for one in psutil.Process().children(recursive=True) if one.name() in _SERVERS]

    @property
    def cpu(self) -> float:
        return sum(times.user + times.system for times in (process.cpu_times() for process in self._processes))

    def timed(self, words: Sequence[str], more: Mapping[str, str] | None = None) -> tuple[Ran, float]:
        """A whole process, once what was written before is on the disk; and the server's CPU seconds meanwhile."""
        os.sync()
        before = self.cpu
        ran = run(words, {**self.environment, **(more or {})}, silent=True)
        return ran, self.cpu - before

    @contextmanager
    def buckets(self, *names: str) -> Iterator[None]:
        """New buckets; afterwards the server forgets what they held."""
        for name in names:
            self.client.create_bucket(Bucket=name)
        yield
        for name in names:
            if self.client.list_objects_v2(Bucket=name, MaxKeys=1)["KeyCount"]:
                self.remove(f"s3://{name}/*")
            self.client.delete_bucket(Bucket=name)
        self.forget()

    def remove(self, uris: str) -> None:
        """Remove the objects that a pattern names."""
        run([str(s5cmd_cli()), "rm", uris], self.environment, silent=True)

    def forget(self) -> None:
        """Have it collect the parts of large objects that were removed now, not in some hours."""
        words = ["radosgw-admin", "-c", str(self._configuration), "gc", "process", "--include-all"]
        subprocess.run(words, check=True, capture_output=True)

    def standing(self, bucket: str) -> dict[str, tuple[str, str]]:
        """The ETag and the time of each object."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        found = (item for page in pages for item in page.get("Contents", []))
        return {item["Key"]: (item["ETag"].strip('"'), item["LastModified"].isoformat()) for item in found}

    def hashes(self, bucket: str) -> dict[str, str]:
        """The MD5 of each object: radosgw's, or of what is read where it has none, as of an upload in parts."""
        found = {key: etag for key, (etag, _) in self.standing(bucket).items()}
        return {key: self.read(bucket, key) if "-" in etag else etag for key, etag in found.items()}

    def read(self, bucket: str, key: str) -> str:
        """The MD5 of an object's bytes."""
        md5 = hashlib.md5(usedforsecurity=False)
        for piece in self.client.get_object(Bucket=bucket, Key=key)["Body"].iter_chunks(_PIECE):
            md5.update(piece)
        return md5.hexdigest()


@contextmanager
def gateway(folder: Path) -> Iterator[Gateway]:
    """A fresh, empty one, with its data in `folder`."""
    with radosgw(folder) as server:
        yield Gateway(server, folder)


def gateway_version() -> str:
    """Radosgw's version."""
    return run(["radosgw", "--version"]).said.split()[2]
