"""The client of an AppSync API, before a server that executes the API's schema, and before one that misbehaves."""

import json
import logging
import time
from collections.abc import Iterator

import pytest

from darkroom.errors import BadInput, Denied, StoreError, Unavailable
from darkroom.outside import appsync as module
from darkroom.outside.appsync import FilesApi, FileToProcess, Unreadable
from darkroom.store import retries
from tests.servers.appsync import Answer, AppSync, appsync, item, unauthorised


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """Nobody's credentials, and none to be had from the machine; faults are met without a wait."""
    for name in ("APPSYNC_API_KEY", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", raising=False)
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setattr(retries, "_FIRST_WAIT", 0.001)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AppSync]:
    with appsync([item(f"{number}") for number in range(5)]) as api:
        monkeypatch.setenv("APPSYNC_API_KEY", api.key)
        yield api


@pytest.fixture
def signing(server: AppSync, monkeypatch: pytest.MonkeyPatch) -> AppSync:
    """A server that lets in who signs with its secret."""
    server.secret = "wJalrXUtnFEMI/K7MDENG"
    monkeypatch.delenv("APPSYNC_API_KEY")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    return server


def ids(server: AppSync) -> list[str]:
    return [found.id for found in FilesApi(server.url).files()]


def of_listing(answer: object) -> Answer:
    return Answer(body=json.dumps({"data": {"listFilesToProcess": answer}}).encode())


def test_every_file_is_listed_page_by_page_as_it_is_wanted(server):
    files = FilesApi(server.url).files()
    assert next(files) == FileToProcess.model_validate(item("0"))
    assert len(server.requests) == 1
    assert [found.id for found in files] == ["1", "2", "3", "4"]
    assert [request.variables["nextToken"] for request in server.requests] == [None, "2", "4"]
    assert len({request.connection for request in server.requests}) == 1


def test_an_empty_listing_has_no_files(server):
    server.items = []
    assert ids(server) == []


def test_an_empty_page_token_ends_the_listing(server):
    server.always = of_listing({"items": [item("0")], "nextToken": ""})
    assert ids(server) == ["0"]
    assert len(server.requests) == 1


def test_what_became_of_files_is_said(server):
    api = FilesApi(server.url)
    strange = 'Ärger & "Söhne" \\ $x {y}'
    api.processed(strange, width=843, height=560)
    api.processed("1", width=4000, height=1)
    api.remove("2")
    api.remove("2")
    assert server.processed == {strange: (560, 843), "1": (1, 4000)}
    assert server.removed == ["2"]
    assert ids(server) == ["0", "3", "4"]


def test_an_item_that_is_not_understood_stops_no_other(server):
    server.items = [item("0", sourceType="Ftp"), None, item("1"), item("", filePath=None), item("2")]
    found = list(FilesApi(server.url).files())
    assert [type(one) for one in found] == [Unreadable, Unreadable, FileToProcess, Unreadable, FileToProcess]
    assert found[0] == Unreadable("0", "it is not understood: sourceType: it must be 'S3', 'Uri', 'Curate' or 'Museum'")


def test_an_id_that_comes_twice_is_given_once(server):
    server.items = [item("0"), item("1"), item("1", filePath="other.tif"), item("0"), item("2")]
    assert ids(server) == ["0", "1", "2"]


def test_an_unreadable_id_hides_no_readable_one(server):
    server.items = [item("a\nb"), item("a" * 3000), item("a" * 3000), item("a"), item("\ud800")]
    server.always = of_listing({"items": server.items, "nextToken": None})
    assert ids(server) == ["a", "a" * 300, "a", ""]
    assert [type(found) for found in FilesApi(server.url).files()].count(FileToProcess) == 1


# --- who may


def test_a_key_goes_with_every_request(server):
    assert ids(server)
    assert {request.headers["x-api-key"] for request in server.requests} == {server.key}
    assert not any("authorization" in request.headers for request in server.requests)


@pytest.mark.parametrize("token", ["", "FwoGZXIvYXdzEXAMPLE"])
def test_without_a_key_requests_are_signed(signing, monkeypatch, token):
    if token:
        monkeypatch.setenv("AWS_SESSION_TOKEN", token)
    api = FilesApi(signing.url)
    api.remove("4")
    assert [found.id for found in api.files()] == ["0", "1", "2", "3"]
    for request in signing.requests:
        assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
        assert "/eu-central-1/appsync/aws4_request, " in request.headers["authorization"]
        assert request.headers.get("x-amz-security-token", "") == token


def test_a_signature_is_for_the_region_in_the_url(signing):
    headers = FilesApi("https://abc.appsync-api.us-east-1.amazonaws.com/graphql")._headers(b"{}")
    assert "/us-east-1/appsync/aws4_request" in headers["Authorization"]


def test_another_secret_is_denied_with_what_to_do(signing, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(Denied, match="refuses the AWS credentials; allow their role appsync:GraphQL, or set APPSYNC"):
        ids(signing)
    assert len(signing.requests) == 1


def test_without_key_or_credentials_nothing_is_sent(signing, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(BadInput, match="there are no AWS credentials to sign with; set APPSYNC_API_KEY"):
        ids(signing)
    assert signing.requests == []


def test_without_a_region_nothing_is_sent(signing, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(BadInput, match="names no AWS region; set AWS_DEFAULT_REGION"):
        ids(signing)
    assert signing.requests == []


def test_a_profile_that_is_none_is_bad_input(signing, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(BadInput, match=r"the AWS settings cannot be used: .*nobody"):
        ids(signing)


@pytest.mark.parametrize(
    "answer",
    [
        unauthorised(),
        unauthorised(status=200),
        Answer(403, b"<html>"),
        Answer(
            200, b'{"data": {}, "errors": [{"message": "no"}, {"errorType": "Unauthorized", "message": "Not yours"}]}'
        ),
    ],
)
def test_who_may_not_ask_is_told_what_to_do_and_not_asked_for_again(server, answer):
    server.always = answer
    api = FilesApi(server.url)
    for ask in (lambda: list(api.files()), lambda: api.remove("1"), lambda: api.processed("1", width=1, height=1)):
        with pytest.raises(Denied, match="the API refuses APPSYNC_API_KEY; check that it is this API's"):
            ask()
    assert len(server.requests) == 3


def test_a_wrong_key_is_denied_and_shown_nowhere(server, monkeypatch, caplog):
    monkeypatch.setenv("APPSYNC_API_KEY", "da2-anothers")
    with caplog.at_level(logging.DEBUG), pytest.raises(Denied) as refusal:
        ids(server)
    assert "da2-anothers" not in f"{refusal.value!r} {caplog.text}"


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_key_that_the_service_repeats_is_shown_nowhere(server, caplog, status):
    said = json.dumps({"errors": [{"message": f"{'x' * 290}{server.key}"}]}).encode()
    server.always = Answer(status, said, {"X-Said": server.key})
    with caplog.at_level(logging.DEBUG), pytest.raises(StoreError) as refusal:
        ids(server)
    assert server.key[:6] not in f"{refusal.value!r} {caplog.text}"


def test_a_key_that_no_header_can_hold_is_bad_input_without_its_text(server, monkeypatch):
    monkeypatch.setenv("APPSYNC_API_KEY", "da2-half\r\nX-Other: 1")
    with pytest.raises(BadInput, match="APPSYNC_API_KEY: it has characters that no key has") as refusal:
        ids(server)
    assert "da2-half" not in repr(refusal.value)
    assert server.requests == []


# --- faults


@pytest.mark.parametrize(
    "fault",
    [
        Answer(500, b"{}"),
        Answer(429),
        Answer(503, b"<html>"),
        Answer(0),
        Answer(200, b'{"data": ', {"Content-Length": "1000"}),
    ],
    ids=["500", "429", "503", "cut before", "cut within"],
)
def test_a_passing_fault_is_met_again(server, fault):
    server.next = [fault, fault]
    assert ids(server) == ["0", "1", "2", "3", "4"]
    server.next = [fault]
    FilesApi(server.url).processed("0", width=2, height=1)
    assert server.processed == {"0": (1, 2)}


def test_a_service_that_stays_away_is_given_up(server):
    server.always = Answer(500)
    sentence = rf"listFilesToProcess at 127\.0\.0\.1:\d+ failed {retries.ATTEMPTS} times, at last with HTTP 500"
    with pytest.raises(Unavailable, match=sentence):
        ids(server)
    assert len(server.requests) == retries.ATTEMPTS


def test_where_nobody_listens_the_service_is_unavailable(server):
    server.shutdown()
    server.server_close()
    with pytest.raises(Unavailable, match="at last with NewConnectionError"):
        FilesApi(server.url).remove("1")


def test_a_silent_service_is_given_up(server, monkeypatch):
    monkeypatch.setattr(module, "_SILENCE", 0.02)
    began = time.monotonic()
    with server._lock, pytest.raises(Unavailable, match="at last with ReadTimeoutError"):
        FilesApi(server.url).remove("1")
    assert time.monotonic() - began < 5


def test_an_answer_that_trickles_is_given_up(server, monkeypatch):
    monkeypatch.setattr(module, "_WHOLE", -1)
    with pytest.raises(Unavailable, match="at last with slow answer"):
        FilesApi(server.url).remove("1")


# --- what is no answer


def test_errors_of_a_listing_are_handed_on_clipped_and_printable(server):
    server.always = Answer(
        body=json.dumps(
            {
                "data": {"listFilesToProcess": {"items": [item("0")], "nextToken": None}},
                "errors": [
                    {"message": "first\x1b[2J " + "x" * 4000},
                    {"message": 7},
                    "third\nline",
                    {"message": "4th"},
                ],
            }
        ).encode()
    )
    with pytest.raises(StoreError, match=r"listFilesToProcess fails: first \[2J x+; an error") as failure:
        ids(server)
    assert str(failure.value).endswith("x; an error without a message; third")
    assert len(str(failure.value)) < 1000


@pytest.mark.parametrize(
    ("errors", "said"),
    [("The table is gone", "The table is gone"), ({"message": "gone"}, "gone"), (7, "an error without a message")],
)
def test_errors_that_are_no_list_are_errors_too(server, errors, said):
    server.always = Answer(body=json.dumps({"errors": errors}).encode())
    with pytest.raises(StoreError, match=f"listFilesToProcess fails: {said}$"):
        ids(server)


def test_an_operation_that_fails_says_why(server):
    server.failing = "The table is gone."
    api = FilesApi(server.url)
    for ask in (lambda: list(api.files()), lambda: api.remove("1"), lambda: api.processed("1", width=1, height=1)):
        with pytest.raises(StoreError, match=r"fails: The table is gone\."):
            ask()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(body=b""), "there is no `data` with listFilesToProcess"),
        (Answer(body=b"<html>hello</html>"), "there is no `data`"),
        (Answer(body=b"\xff\xfe"), "there is no `data`"),
        (Answer(body=b"[" * 1_000_000), "there is no `data`"),
        (Answer(body=b"[]"), "there is no `data`"),
        (Answer(body=b'{"data": null}'), "there is no `data`"),
        (Answer(body=b'{"data": {"somethingElse": {}}}'), "there is no `data`"),
        (of_listing(None), "there is no `data`"),
        (of_listing([]), "there is no `data`"),
        (of_listing({}), "`items` is no list"),
        (of_listing({"items": {"0": item("0")}, "nextToken": None}), "`items` is no list"),
        (of_listing({"items": [], "nextToken": 7}), "`nextToken` is no text"),
    ],
)
def test_an_answer_of_another_shape_says_what_is_wrong(server, answer, why):
    server.always = answer
    with pytest.raises(StoreError, match=f"its answer is not understood: {why}"):
        ids(server)
    assert len(server.requests) == 1


@pytest.mark.parametrize("operation", ["saveFileLastProcessedDate", "removeItemToProcess"])
def test_what_was_not_confirmed_is_not_taken_as_said(server, operation):
    server.always = Answer(body=json.dumps({"data": {operation: None}}).encode())
    api = FilesApi(server.url)
    with pytest.raises(StoreError, match=f"there is no `data` with {operation}"):
        api.remove("1") if operation == "removeItemToProcess" else api.processed("1", width=1, height=1)


def test_a_huge_answer_is_not_read_to_its_end(server):
    server.always = Answer(body=b" " * (module._LARGEST + 1))
    with pytest.raises(StoreError, match="an answer has more than 16 MiB, which no listing has"):
        ids(server)
    server.always = of_listing({"items": [], "nextToken": None})
    assert ids(server) == []


def test_a_redirect_is_not_followed(server):
    with appsync([item("elsewhere")]) as other:
        server.always = Answer(307, b"", {"Location": other.url})
        with pytest.raises(StoreError, match="it answers HTTP 307 to listFilesToProcess; give the API's own URL"):
            ids(server)
        assert other.requests == []


def test_a_page_token_that_repeats_ends_the_listing(server):
    server.repeating = True
    with pytest.raises(StoreError, match="its page token repeats"):
        ids(server)
    assert len(server.requests) == 2


@pytest.mark.parametrize(("name", "bound"), [("_PAGES", 2), ("_FILES", 3)])
def test_a_listing_without_an_end_is_given_up(server, monkeypatch, name, bound):
    monkeypatch.setattr(module, name, bound)
    with pytest.raises(StoreError, match="it does not end after"):
        ids(server)
    assert len(server.requests) == 2
