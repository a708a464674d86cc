"""Items of AppSync's listing: what is understood, what is refused and why, and where an API may be."""

import json
import subprocess
import sys
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from darkroom.errors import BadInput
from darkroom.outside.appsync import FilesApi, FileToProcess, Unreadable, drive_id_of, parsed

IN_BUCKET = {
    "id": "1999.024/1999_024-v0001",
    "sourceType": "S3",
    "sourceBucketName": "library-scans",
    "sourceFilePath": "Museum/1999.024/1999_024-v0001.tif",
    "filePath": "collections/1999.024/1999_024-v0001.tif",
    "copyrightStatus": None,
    "sourceUri": None,
}
AT_URL = {"id": "a", "sourceType": "Uri", "filePath": "a/b.jpg", "sourceUri": "https://example.org/b.jpg"}
IN_DRIVE = {**AT_URL, "sourceType": "Museum", "sourceUri": "https://drive.google.com/a/nd.edu/file/d/1aB_c-2dE3f/view"}


def refused(item: object) -> str:
    found = parsed(item)
    assert isinstance(found, Unreadable)
    assert found.reason.startswith("it is not understood: ")
    return found.reason.removeprefix("it is not understood: ")


def test_an_item_is_read_with_its_own_names_and_without_nulls() -> None:
    assert parsed({**IN_BUCKET, "unheardOf": [1]}) == FileToProcess(
        id="1999.024/1999_024-v0001",
        source_type="S3",
        source_bucket_name="library-scans",
        source_file_path="Museum/1999.024/1999_024-v0001.tif",
        file_path="collections/1999.024/1999_024-v0001.tif",
        source_uri="",
        copyright_status="",
    )


@pytest.mark.parametrize("kind", ["Uri", "Curate"])
def test_a_file_at_a_url_needs_no_bucket(kind: str) -> None:
    found = parsed({**AT_URL, "sourceType": kind, "sourceBucketName": "no Bucket"})
    assert isinstance(found, FileToProcess)
    assert (found.source_uri, found.drive_id) == ("https://example.org/b.jpg", "")


def test_an_id_may_hold_anything_printable() -> None:
    found = parsed({**AT_URL, "id": 'Ärger & Söhne: "№ 7" / ../{x}'})
    assert isinstance(found, FileToProcess)
    assert found.id == 'Ärger & Söhne: "№ 7" / ../{x}'


@pytest.mark.parametrize(
    ("item", "missing"),
    [
        ({**IN_BUCKET, "sourceBucketName": None}, "sourceBucketName: a file of type S3 needs it"),
        ({**IN_BUCKET, "sourceFilePath": ""}, "sourceFilePath: a file of type S3 needs it"),
        ({**AT_URL, "sourceUri": None}, "sourceUri: a file of type Uri needs it"),
        ({**AT_URL, "sourceType": "Curate", "sourceUri": " "}, "sourceUri: a file of type Curate needs it"),
        ({**IN_DRIVE, "sourceUri": None}, "sourceUri: a file of type Museum needs it"),
    ],
)
def test_what_a_type_needs_and_an_item_lacks_is_named(item: object, missing: str) -> None:
    assert refused(item) == missing


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, "it is no object"),
        (["a"], "it is no object"),
        ({}, "'id' is missing"),
        ({**AT_URL, "id": None}, "id: it must be text"),
        ({**AT_URL, "id": ""}, "id: it is empty"),
        ({**AT_URL, "id": 7}, "id: it must be text"),
        ({**AT_URL, "id": "a\u2028b"}, "id: it has characters that cannot be printed"),
        ({**AT_URL, "id": "a" * 2049}, "id: it must be at most 2048 characters long"),
        ({**AT_URL, "sourceType": "Ftp"}, "sourceType: it must be 'S3', 'Uri', 'Curate' or 'Museum'"),
        ({**AT_URL, "sourceUri": "https://example.org/" + "a" * 2048}, "sourceUri: it must be at most"),
        ({**AT_URL, "sourceUri": "https://example.org/\r\nHost: b"}, "sourceUri: it has control characters"),
        ({**AT_URL, "sourceUri": ["https://example.org"]}, "sourceUri: it must be text"),
        ({**IN_BUCKET, "sourceFilePath": "a\0b"}, "sourceFilePath: it has control characters"),
        ({**IN_BUCKET, "sourceBucketName": "Scans"}, "sourceBucketName: it is no bucket's name"),
        ({**IN_BUCKET, "sourceBucketName": "scans/../other"}, "sourceBucketName: it is no bucket's name"),
        ({**IN_BUCKET, "sourceBucketName": "scans..other"}, "sourceBucketName: it is no bucket's name"),
        ({**IN_BUCKET, "sourceBucketName": "a" * 64}, "sourceBucketName: it is no bucket's name"),
        ({**IN_DRIVE, "sourceUri": "https://example.org/1aB_c-2dE3f"}, "sourceUri: it is no link to a file in Google"),
    ],
)
def test_what_is_not_understood_says_where_and_why(item: object, reason: str) -> None:
    assert refused(item).startswith(reason)


def test_an_unreadable_item_keeps_its_id_clipped_and_printable() -> None:
    found = parsed({"id": "a\x1b[2J" + "b" * 4000})
    assert found.id == "a [2J" + "b" * 295


def test_a_lone_surrogate_spoils_its_own_item_only() -> None:
    assert refused(json.loads('{"id": "a", "sourceType": "Uri", "filePath": "\\ud800", "sourceUri": "x"}'))
    assert parsed(json.loads('{"id": "\\ud800"}')).id == ""


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("", "it has an empty, `.` or `..` segment"),
        ("../a.tif", "it has an empty, `.` or `..` segment"),
        ("a/../../b.tif", "it has an empty, `.` or `..` segment"),
        ("a/..", "it has an empty, `.` or `..` segment"),
        ("//a.tif", "it has an empty, `.` or `..` segment"),
        ("/../a.tif", "it has an empty, `.` or `..` segment"),
        ("a/./b.tif", "it has an empty, `.` or `..` segment"),
        ("a/", "it has an empty, `.` or `..` segment"),
        ("a\nb.tif", "it has control characters"),
        ("a\x7f.tif", "it has control characters"),
        ("a\x85.tif", "it has control characters"),
        ("ä" * 501, "it has more than 1,000 bytes"),
    ],
)
def test_a_pyramid_may_not_go_to_such_a_place(path: str, reason: str) -> None:
    assert refused({**AT_URL, "filePath": path}) == f"filePath: {reason}"


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("collections/1999.024/1999_024-v0001.tif", "collections/1999.024/1999_024-v0001.tif"),
        ("/collections/a b (2)#1.jpg", "collections/a b (2)#1.jpg"),
        ("a..b/...c.tif", "a..b/...c.tif"),
        ("ä" * 500, "ä" * 500),
        ("Screenshot 3.04\u202fPM.png", "Screenshot 3.04\u202fPM.png"),
    ],
)
def test_a_pyramid_goes_where_its_item_says(path: str, key: str) -> None:
    found = parsed({**AT_URL, "filePath": path})
    assert isinstance(found, FileToProcess)
    assert found.file_path == key


@given(st.text(st.sampled_from("./\\a\0 é"), max_size=12))
def test_no_place_that_is_taken_leaves_its_root(path: str) -> None:
    found = parsed({**AT_URL, "filePath": path})
    if isinstance(found, FileToProcess):
        parts = PurePosixPath(found.file_path).parts
        assert "/".join(parts) == found.file_path
        assert not {"..", "/", "."} & set(parts)


@pytest.mark.parametrize(
    "link",
    [
        "1aB_c-2dE3f",
        "https://drive.google.com/a/nd.edu/file/d/1aB_c-2dE3f/view",
        "https://drive.google.com/file/d/1aB_c-2dE3f",
        "https://drive.google.com/file/d/1aB_c-2dE3f/view?usp=sharing#top",
        "https://drive.google.com/open?id=1aB_c-2dE3f",
        "https://drive.google.com/open?authuser=0&id=1aB_c-2dE3f&usp=drive_fs",
    ],
)
def test_a_drive_link_names_its_file(link: str) -> None:
    found = parsed({**IN_DRIVE, "sourceUri": link})
    assert isinstance(found, FileToProcess)
    assert found.drive_id == "1aB_c-2dE3f"


@pytest.mark.parametrize(
    "link",
    [
        "",
        "1aB_c-2dE",
        "1aB_c-2dE3f/../x",
        "http://drive.google.com/file/d/1aB_c-2dE3f/view",
        "https://drive.google.com.example.org/file/d/1aB_c-2dE3f/view",
        "https://example.org/?https://drive.google.com/file/d/1aB_c-2dE3f/view",
        "https://drive.google.com@example.org/file/d/1aB_c-2dE3f/view",
        "https://drive.google.com/drive/folders/1aB_c-2dE3f",
        "https://drive.google.com/file/d/1aB_c%2e2dE3f/view",
        "https://drive.google.com/open?id=1aB_c-2dE3f/../../x",
        "https://drive.google.com/open?xid=1aB_c-2dE3f",
        "https://drive.google.com/open#id=1aB_c-2dE3f",
    ],
)
def test_what_is_no_drive_link_names_no_file(link: str) -> None:
    with pytest.raises(ValueError, match="no link to a file in Google Drive"):
        drive_id_of(link)


@pytest.mark.parametrize(
    ("status", "protected"),
    [("copyright", True), (" Copyright ", True), ("COPYRIGHT", True), ("public domain", False), (None, False)],
)
def test_a_copyrighted_image_is_protected(status: str | None, protected: bool) -> None:
    found = parsed({**AT_URL, "copyrightStatus": status})
    assert isinstance(found, FileToProcess)
    assert found.protected is protected


def test_a_file_cannot_be_made_to_go_elsewhere_later() -> None:
    found = FileToProcess.model_validate(AT_URL)
    with pytest.raises(ValidationError):
        found.file_path = "../elsewhere"  # type: ignore[misc]


@pytest.mark.parametrize(
    "url",
    [
        "https://abc.appsync-api.us-east-1.amazonaws.com/graphql",
        "http://127.0.0.1:8080/graphql",
        "http://[::1]:8080/graphql",
        "http://localhost/graphql",
    ],
)
def test_an_api_is_at_https_or_on_this_very_machine(url: str) -> None:
    FilesApi(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "asked by https only"),
        ("abc.appsync-api.us-east-1.amazonaws.com/graphql", "asked by https only"),
        ("http://abc.appsync-api.us-east-1.amazonaws.com/graphql", "asked by https only"),
        ("http://10.0.0.1/graphql", "asked by https only"),
        ("http://127.0.0.1.example.org/graphql", "asked by https only"),
        ("http://localhost.example.org/graphql", "asked by https only"),
        ("https:///graphql", "asked by https only"),
        ("file:///etc/passwd", "asked by https only"),
        ("https://[::1/graphql", "is no URL"),
        ("https://example.org:99999/graphql", "is no URL"),
        ("https://me:secret@example.org:99999/graphql", "a name, a password or blanks"),
        ("https://example.org/\ngraphql", "a name, a password or blanks"),
    ],
)
def test_an_api_elsewhere_is_refused(url: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason) as refusal:
        FilesApi(url)
    assert "secret" not in str(refusal.value)
    assert str(refusal.value).endswith("write https://<id>.appsync-api.<region>.amazonaws.com/graphql.")


def test_who_only_reads_items_loads_no_client() -> None:
    program = """import sys, darkroom.outside.appsync as module
module.FilesApi("https://example.org/graphql")
print({"botocore", "boto3", "urllib3"} & set(sys.modules))"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (run.stdout, run.stderr) == ("set()\n", "")
