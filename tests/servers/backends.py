"""The servers that stores are tested on, each started when the first test asks for it."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from tests.servers import moto, radosgw
from tests.servers.gcs import gcs_emulator

BUCKET = "contract"


class Servers:
    """Each server is started by the first test that asks for it, and ended with the session."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._stack = folder, ExitStack()
        self._environments: dict[str, dict[str, str]] = {}

    def environment(self, backend: str) -> dict[str, str]:
        """The variables that lead Darkroom to a server with a bucket in it."""
        if backend not in self._environments:
            start = {"moto": self._moto, "radosgw": self._radosgw, "gcs": self._gcs}[backend]
            self._environments[backend] = start()
        return self._environments[backend]

    def close(self) -> None:
        self._stack.close()

    def _moto(self) -> dict[str, str]:
        return self._stack.enter_context(moto.moto_s3()).with_bucket(BUCKET)

    def _radosgw(self) -> dict[str, str]:
        if not radosgw.available():
            if os.environ.get("CI"):
                pytest.fail("Ceph's radosgw is not installed, and CI may not go without it.")
            pytest.skip(
                "Ceph's radosgw is not installed: apt-get install ceph-mon ceph-mgr ceph-osd radosgw ceph-common"
            )
        return self._stack.enter_context(radosgw.radosgw(self._folder / "radosgw")).with_bucket(BUCKET)

    def _gcs(self) -> dict[str, str]:
        endpoint = self._stack.enter_context(gcs_emulator(self._folder / "gcs"))
        client = storage.Client("tests", AnonymousCredentials(), client_options={"api_endpoint": endpoint})
        client.create_bucket(BUCKET)
        return {"STORAGE_EMULATOR_HOST": endpoint}
