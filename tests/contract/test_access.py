"""Whose credentials count: those of the access that a store is opened with, also beside another in the same process."""

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from darkroom.errors import Denied
from darkroom.store import open_store
from darkroom.store.access import Access
from tests.contract.conftest import SERVICES
from tests.servers.backends import BUCKET


@pytest.fixture
def reach(servers, monkeypatch, tmp_path):
    """The variables that lead to a backend, in a process whose own environment leads nowhere, and is another's."""

    def variables(backend):
        found = servers.environment(backend)
        for name in list(os.environ):
            if name.startswith(("AWS_", "GOOGLE_", "STORAGE_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_PROFILE", "there-is-none")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOTHER")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-another")
        monkeypatch.setenv("AWS_SESSION_TOKEN", "of-another")
        monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/another")
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "nowhere"))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nowhere"))
        return found

    return variables


@pytest.mark.parametrize("backend", SERVICES)
def test_an_access_alone_leads_to_a_store(reach, backend):
    scheme = "gs" if backend == "gcs" else "s3"
    location = f"{scheme}://{BUCKET}/{secrets.token_hex(8)}"
    store = open_store(location, Access(reach(backend)))
    store.write("a", b"1", if_absent=True)  # by either client of S3
    store.write("a/../b", b"2") if scheme == "s3" else store.write("b", b"2")
    assert store.copy("a", "c").bytes == 1
    assert (len(list(store.list())), store.read("a"), store.head("c").bytes) == (3, b"1", 1)
    assert store.delete_all(["a", "c"]) == {}
    assert open_store("/beside", store.access).access is store.access


def test_two_threads_are_in_one_bucket_at_once_each_as_its_own(reach):
    let_in = reach("radosgw")
    location, turn = f"s3://{BUCKET}/{secrets.token_hex(8)}", Barrier(2)

    def use(access):
        ends = []
        for number in range(20):
            store = open_store(location, access)
            turn.wait()
            try:
                store.write(str(number), b"1", confirm=False)
                ends.append(len(list(store.list())))
            except Denied:
                ends.append("refused")
        return ends

    with ThreadPoolExecutor(2) as pool:
        accesses = Access(let_in), Access({**let_in, "AWS_SECRET_ACCESS_KEY": "not-the-right-one"})
        assert list(pool.map(use, accesses)) == [list(range(1, 21)), ["refused"] * 20]


def test_a_refusal_tells_no_secret(reach, caplog):
    caplog.set_level("DEBUG", logger="darkroom")
    access = Access({**reach("radosgw"), "AWS_SECRET_ACCESS_KEY": "not-the-right-one"})
    store = open_store(f"s3://{BUCKET}", access)
    with pytest.raises(Denied) as refusal:
        store.read("a")
    said = (caplog.text, str(refusal.value), repr(refusal.value), repr(access), repr(store), repr(store._access))
    assert "not-the-right-one" not in " ".join(said)
