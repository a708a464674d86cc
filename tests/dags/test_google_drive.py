"""Files of Google Drive: the provider's own hook and Google's own client, against a Drive on loopback."""

import io
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import md5

import pytest
from airflow.providers.google.suite.hooks.drive import GoogleDriveHook

from darkroom.errors import Denied
from darkroom.failures import DownloadFailed, Gone
from darkroom.store import retries
from darkroom_airflow import google_drive
from darkroom_airflow.google_drive import DriveFile, DriveFiles
from tests.dags.tiny_studio import ROOT
from tests.servers.drive import Drive, Fault

ID = "1aB_c-2dE3f"
CONTENT = bytes(range(256)) * 40
PIECE = 4096
SCOPES = "https://www.googleapis.com/auth/"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drive]:
    with Drive(tmp_path_factory.mktemp("drive")) as server:
        yield server


@pytest.fixture
def drive(server: Drive, monkeypatch: pytest.MonkeyPatch) -> Drive:
    """The Drive that the connection leads to, with one file."""
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "AIRFLOW_CONN_")):
            monkeypatch.delenv(name)
    server.lead_here(monkeypatch)
    server.forget()
    server.add(ID, CONTENT)
    monkeypatch.setattr(google_drive, "_PIECE", PIECE)
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0)
    return server


def fetched(files: DriveFiles, file_id: str = ID) -> bytes:
    file = io.BytesIO()
    files.fetch(file_id, file)
    return file.getvalue()


def test_a_file_is_looked_at_and_fetched_piece_by_piece(drive: Drive) -> None:
    drive.add("of-a-shared-drive", CONTENT, driveId="museum")
    known = DriveFile(len(CONTENT), md5(CONTENT).hexdigest())  # noqa: S324
    files = DriveFiles()
    assert files.look("of-a-shared-drive") == known
    assert fetched(files, "of-a-shared-drive") == CONTENT
    assert [got.range for got in drive.got[1:]] == ["bytes=0-4095", "bytes=4096-8191", "bytes=8192-12287"]
    assert {got.scope for got in drive.got} == {f"{SCOPES}drive.readonly"}


def test_an_empty_file_is_fetched_too(drive: Drive) -> None:
    drive.add("nothing-in-it", b"")
    assert DriveFiles().look("nothing-in-it").bytes == 0
    assert fetched(DriveFiles(), "nothing-in-it") == b""


def test_a_file_that_is_not_there_or_in_the_trash_is_none(drive: Drive) -> None:
    drive.add("in-the-trash", CONTENT, trashed=True)
    files = DriveFiles()
    assert files.look("in-the-trash") is None
    assert files.look("is-not-there") is None
    with pytest.raises(Gone, match=r"^there is no such file in Google Drive"):
        fetched(files, "is-not-there")


@pytest.mark.parametrize(
    "fault", [Fault(404), Fault(404, "teamDriveNotFound"), Fault(403, "notFound"), Fault(401), Fault(400, "notFound")]
)
def test_nothing_but_drives_own_404_says_that_a_file_is_gone(drive: Drive, fault: Fault) -> None:
    files = DriveFiles()
    for ask in (files.look, lambda file_id: fetched(files, file_id)):
        drive.faults.extend([fault] * 3)  # a 401 is asked again twice, with a fresh token
        with pytest.raises((Denied, DownloadFailed)) as caught:
            ask(ID)
        assert not isinstance(caught.value, Gone)
        drive.faults.clear()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("folder", "it is a Google Drive folder and no file"),
        ("shortcut", "it is a shortcut and no file"),
        ("document", "it is a Google document and no file; download it as PDF"),
    ],
)
def test_what_is_no_file_is_refused(drive: Drive, kind: str, said: str) -> None:
    drive.add("is-no-file", mimeType=f"application/vnd.google-apps.{kind}", size="1024")
    with pytest.raises(DownloadFailed, match=f"^{said}"):
        DriveFiles().look("is-no-file")
    with pytest.raises(DownloadFailed, match=r"^it is a Google document or folder and no file$"):
        fetched(DriveFiles(), "is-no-file")


@pytest.mark.parametrize("file_id", ["", "short", "../../about/x", "1aB_c-2dE3f?alt=media", f"{ID}\n"])
def test_an_id_that_is_none_is_not_asked_for(drive: Drive, file_id: str) -> None:
    for ask in (DriveFiles().look, lambda file_id: fetched(DriveFiles(), file_id)):
        with pytest.raises(DownloadFailed, match=r"^its id is none of Google Drive's"):
            ask(file_id)
    assert drive.got == []


def test_transient_faults_are_met_within_the_piece(drive: Drive) -> None:
    files = DriveFiles()
    drive.faults.extend([Fault(500, "backendError"), Fault(403, "userRateLimitExceeded"), Fault(429)])
    assert files.look(ID).bytes == len(CONTENT)
    drive.got.clear()
    drive.faults.extend([Fault(503), Fault(0)])
    assert fetched(files) == CONTENT
    assert [got.range for got in drive.got] == ["bytes=0-4095"] * 3 + ["bytes=4096-8191", "bytes=8192-12287"]


def test_a_drive_that_fails_for_good_fails_the_file(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> None:
    files = DriveFiles()
    drive.faults.extend([Fault(500, "backendError")] * retries.ATTEMPTS)
    with pytest.raises(DownloadFailed, match=r"^Google Drive is out of reach: Internal Server Error$"):
        files.look(ID)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(DownloadFailed, match=r"^Google Drive is out of reach: .*Connection refused"):
        fetched(DriveFiles())


@pytest.mark.parametrize("answer", ["no JSON", "[]", '{"name": "a.jpg", "size": "many"}', '{"trashed": "perhaps"}'])
def test_an_answer_that_is_not_understood_fails_the_file(drive: Drive, answer: str) -> None:
    files = DriveFiles()
    drive.faults.append(Fault(200, answer))
    with pytest.raises(DownloadFailed, match="is not understood"):
        files.look(ID)
    assert files.look(ID) is not None
    drive.faults.append(Fault(416))  # without the header that says how long the file is
    with pytest.raises(DownloadFailed, match="is not understood"):
        fetched(files)


def test_a_download_that_does_not_go_on_ends(drive: Drive) -> None:
    drive.faults.extend([Fault(206, "begin"), Fault(206)])
    with pytest.raises(DownloadFailed, match="Google Drive stops in the middle of it"):
        fetched(DriveFiles())


@pytest.mark.parametrize(
    ("reason", "error", "said"),
    [
        ("cannotDownloadAbusiveFile", DownloadFailed, "^Google Drive takes it for malware"),
        ("downloadQuotaExceeded", DownloadFailed, "^Google Drive has given out all"),
        ("insufficientFilePermissions", Denied, r"\(insufficientFilePermissions\): Forbidden\. Share the folder"),
        ("accessNotConfigured", Denied, "enable the Drive API"),
        ("", Denied, r"\(403\)"),
    ],
)
def test_a_403_is_the_files_or_the_connections(drive: Drive, reason: str, error: type[Exception], said: str) -> None:
    drive.faults.append(Fault(403, reason))
    with pytest.raises(error, match=said):
        fetched(DriveFiles())


@pytest.mark.parametrize(
    ("scope", "asked"),
    [("cloud-platform", "drive.readonly"), ("drive", "drive"), ("cloud-platform,drive.file", None)],
)
def test_a_connections_scope_counts_where_it_is_drives(
    drive: Drive, monkeypatch: pytest.MonkeyPatch, scope: str, asked: str | None
) -> None:
    scopes = [f"{SCOPES}{name}" for name in scope.split(",")]
    monkeypatch.setenv("AIRFLOW_CONN_MUSEUM", drive.connection(scope=",".join(scopes)))
    assert DriveFiles("museum").look(ID) is not None
    assert drive.got[-1].scope == (f"{SCOPES}{asked}" if asked else " ".join(scopes))
    assert GoogleDriveHook(gcp_conn_id="museum").scopes == scopes, "the connection itself is as it was"


def test_a_connection_that_is_of_no_use_is_denied_with_a_sentence(
    drive: Drive, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Denied, match=r"^The connection museum cannot be used for Google Drive: .*museum"):
        DriveFiles("museum").look(ID)
    monkeypatch.setenv("AIRFLOW_CONN_MUSEUM", '{"conn_type": "google_cloud_platform", "extra": {"keyfile_dict": "{"}}')
    with pytest.raises(Denied, match=r"cannot be used for Google Drive: Invalid key JSON\.$"):
        DriveFiles("museum").look(ID)
    drive.refuses_keys = True
    with pytest.raises(Denied, match="Google refuses its credentials: invalid_grant") as caught:
        DriveFiles().look(ID)
    assert drive.key["private_key"][40:80] not in str(caught.value)


def test_many_threads_fetch_at_once(drive: Drive) -> None:
    files = DriveFiles()
    contents = {f"file-number-{number}": os.urandom(3 * PIECE) for number in range(12)}
    for file_id, content in contents.items():
        drive.add(file_id, content)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda file_id: fetched(files, file_id), contents)) == list(contents.values())


def test_a_disk_that_is_full_fails_the_file_and_is_not_written_to_again(drive: Drive) -> None:
    class Full(io.BytesIO):
        tries = 0

        def write(self, data: object) -> int:
            self.tries += 1
            raise OSError(28, "No space left on device")

    file = Full()
    with pytest.raises(DownloadFailed, match=r"^it cannot be kept: No space left on device$"):
        DriveFiles().fetch(ID, file)
    assert file.tries == 1


def test_another_process_is_led_there_by_its_environment_and_imports_nothing_before(drive: Drive) -> None:
    code = f"""
        import io, sys
        from darkroom_airflow.google_drive import DriveFiles
        heavy = "googleapiclient", "httplib2", "google.auth", "airflow.providers.google.common"
        assert not [name for name in sys.modules if name.startswith(heavy)]
        files, file = DriveFiles(), io.BytesIO()
        files.fetch("{ID}", file)
        print(files.look("{ID}").md5, len(file.getvalue()))
    """
    path = os.pathsep.join([os.environ["PYTHONPATH"], str(ROOT / "plugins")])
    command = [sys.executable, "-c", textwrap.dedent(code)]
    answer = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == f"{md5(CONTENT).hexdigest()} {len(CONTENT)}"  # noqa: S324
