"""How Google Cloud Storage is reached: whose credentials, which endpoint, and what its errors mean."""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

import google.auth
import google.auth.exceptions
import obstore.exceptions
import urllib3
import urllib3.exceptions
from google.auth.credentials import AnonymousCredentials, Credentials, with_scopes_if_required
from google.auth.transport.urllib3 import AuthorizedHttp, Request
from obstore.store import GCSStore as ObstoreGCS
from urllib3.response import BaseHTTPResponse

from darkroom.errors import BadInput, Conflict, DarkroomError, Denied, NotFound, StoreError
from darkroom.store import asked
from darkroom.store.access import NO_ACCESS, Access
from darkroom.store.retries import Retries, Transient, first_line

if TYPE_CHECKING:
    from google.api_core.retry import Retry
    from google.cloud import storage
    from obstore.store import ClientConfig, GCSConfig, GCSCredential

T = TypeVar("T")

CONNECTIONS = 32  # as many requests at once as `GcsStore.concurrency` asks for
TIMEOUT = _CONNECT, _SILENCE = 10, 60  # seconds: to connect, without a byte
_WHOLE = 300  # seconds of one request with its body
_ASKED_AGAIN = timedelta(minutes=5)
_NO_CREDENTIALS = Path(__file__).with_name("no_google_credentials.json")

_GOOGLE = "https://storage.googleapis.com"
_LONGEST_ERROR = 10_000  # bytes of an answer that refuses
_DAMAGED = "damaged upload"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"


class Refused(Exception):
    """An answer of another status than 2xx; its text is what Google says."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


_FAULTS: tuple[type[Exception], ...] = (
    Refused,
    google.auth.exceptions.GoogleAuthError,
    obstore.exceptions.BaseError,
    urllib3.exceptions.HTTPError,
    OSError,
)
_STATUSES = {
    FileNotFoundError: 404,
    obstore.exceptions.AlreadyExistsError: 412,
    obstore.exceptions.PreconditionError: 412,
    obstore.exceptions.UnauthenticatedError: 401,
    obstore.exceptions.PermissionDeniedError: 403,
}
"""What obstore has a type for; "not found" is Python's own, an OSError."""


class GcsAccess:
    """One bucket, as it is reached: content by obstore (ADR 9), listings by plain requests, writes by Google's client.

    The client takes half a second and 20 MiB to import, and what it makes of an answer takes longer than all the rest;
    so who only reads does without. Credentials are the access's key file, or Google's application default ones
    (`GOOGLE_APPLICATION_CREDENTIALS`, `gcloud auth`, a service account's); with `STORAGE_EMULATOR_HOST` there are none.
    `Retries` repeats every call but the parts of a resumable upload, which only the client can resume: `resuming`.
    """

    def __init__(self, bucket: str, access: Access = NO_ACCESS) -> None:
        self.name, self._access = bucket, access
        self.retries = Retries()
        self._faults = _FAULTS

    @property
    def _emulator(self) -> str:
        return self._access.environment().get("STORAGE_EMULATOR_HOST", "")

    @cached_property
    def _base(self) -> str:
        return self._emulator.rstrip("/") or _GOOGLE

    @cached_property
    def _identity(self) -> Credentials:
        return AnonymousCredentials() if self._emulator else self._credentials()  # type: ignore[no-untyped-call]

    @property
    def _bundle(self) -> str:
        """The file of certificates that the environment names, or an empty text."""
        return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or ""

    def asking(self, kind: asked.Kind) -> ObstoreGCS:
        """Obstore's client, for one request of a kind, which is counted."""
        asked.count(kind)
        return self.data

    @cached_property
    def data(self) -> ObstoreGCS:
        """Obstore's client for the same bucket, endpoint and credentials; it speaks the XML API."""
        # it would read the environment's file first, of which it knows not every kind, and use it for nothing
        config: GCSConfig = {"base_url": self._base, "application_credentials": str(_NO_CREDENTIALS)}
        if self._emulator:
            config["skip_signature"] = True
        options: ClientConfig = {
            "allow_http": self._base.startswith("http://"),
            "connect_timeout": f"{_CONNECT}s",
            "read_timeout": f"{_SILENCE}s",
            "timeout": f"{_WHOLE}s",
            "pool_max_idle_per_host": str(CONNECTIONS),
            "user_agent": "darkroom",
            # an object with Content-Encoding gzip is unpacked for who does not say that he takes it packed
            "default_headers": {"Accept-Encoding": "gzip"},
        }
        if self._bundle:
            options["root_certificate"] = Path(self._bundle).read_bytes()
        given: Any = (
            {} if self._emulator else {"credential_provider": partial(_for_obstore, self._identity, self._pool)}
        )
        return ObstoreGCS(self.name, config=config, client_options=options, retry_config={"max_retries": 0}, **given)

    @cached_property
    def _pool(self) -> urllib3.PoolManager:
        settings: dict[str, Any] = {"maxsize": CONNECTIONS, "timeout": urllib3.Timeout(*TIMEOUT)}
        settings |= {"ca_certs": self._bundle} if self._bundle else {}
        address = urlsplit(self._base)
        proxy = getproxies().get(address.scheme)
        if proxy and not proxy_bypass(address.hostname or ""):
            return urllib3.ProxyManager(proxy, **settings)
        return urllib3.PoolManager(**settings)

    @cached_property
    def _http(self) -> AuthorizedHttp:
        return AuthorizedHttp(self._identity, http=self._pool)  # type: ignore[no-untyped-call]

    @cached_property
    def bucket(self) -> "storage.Bucket":
        """Google's client's handle of the bucket; costs no request."""
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.transport.requests import AuthorizedSession
        from google.cloud import storage
        from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
        from requests.adapters import HTTPAdapter
        from requests.utils import get_environ_proxies

        self._faults = (*_FAULTS, GoogleAPIError, InvalidResponse, DataCorruption)
        session = AuthorizedSession(self._identity)  # type: ignore[no-untyped-call]
        session.mount("https://", HTTPAdapter(pool_maxsize=CONNECTIONS))
        session.mount("http://", HTTPAdapter(pool_maxsize=CONNECTIONS))
        options = {"api_endpoint": self._emulator} if self._emulator else None
        client = storage.Client(project="none", credentials=self._identity, _http=session, client_options=options)
        # looked up once: for each request it takes as long as a third of a small object does
        session.proxies = get_environ_proxies(client._connection.API_BASE_URL)
        session.verify = self._bundle or True
        session.trust_env = False
        session.hooks["response"].append(lambda answer, **_: asked.count_http(answer.request.method, answer.url))
        return client.bucket(self.name)

    @property
    def resuming(self) -> "Retry":
        """How the client itself repeats the parts of an upload."""
        from google.api_core.retry import Retry

        return Retry(predicate=self._goes_away, initial=0.2, maximum=20.0, timeout=120.0)

    def get_json(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The answer to a GET of the JSON API below `/storage/v1`. Raises as `get` does, and `Transient`."""
        with self.get(f"/storage/v1{path}", {**query, "prettyPrint": "false"}) as answer:
            try:
                found: dict[str, Any] = json.loads(answer.read())
            except ValueError as error:  # a proxy's page, perhaps, or half of an answer
                raise Transient("bad answer", f"it is no JSON: {first_line(error)}") from error
        return found

    @contextmanager
    def get(
        self, path: str, query: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> Iterator[BaseHTTPResponse]:
        """The answer to a GET; its body is not read yet, and not unpacked.

        Raises `Refused` where it is not of status 2xx, urllib3's errors, and google.auth's.
        """
        url = f"{self._base}{path}?{urlencode(query, quote_via=quote)}"
        asked.count_http("GET", url)
        answer: BaseHTTPResponse = self._http.urlopen(  # type: ignore[no-untyped-call]
            "GET", url, headers=dict(headers or {}), preload_content=False, decode_content=False, retries=False
        )
        try:
            if not 200 <= answer.status < 300:
                raise Refused(answer.status, _said(answer.read(_LONGEST_ERROR)))
            yield answer
        except BaseException:
            answer.close()
            raise
        answer.release_conn()

    def _credentials(self) -> Credentials:
        file = self._access.variables.get("GOOGLE_APPLICATION_CREDENTIALS")
        quota = self._access.variables.get("GOOGLE_CLOUD_QUOTA_PROJECT")
        try:
            if file:  # the scopes as `default` gives them: not to a user's own credentials
                found, _ = google.auth.load_credentials_from_file(file, quota_project_id=quota)  # type: ignore[no-untyped-call]
                found = with_scopes_if_required(found, [_SCOPE])  # type: ignore[no-untyped-call]
            else:
                found, _ = google.auth.default(scopes=[_SCOPE], quota_project_id=quota)
        except google.auth.exceptions.DefaultCredentialsError as error:
            raise BadInput(
                f"gs://{self.name}: there are no usable Google credentials; set GOOGLE_APPLICATION_CREDENTIALS to "
                "a service account's key file, or run with a service account."
            ) from error
        return cast(Credentials, found)

    def uri(self, name: str) -> str:
        """The URI of an object by its whole name in the bucket."""
        return f"gs://{self.name}/{name}"

    def call(self, what: str, name: str, request: Callable[[], T]) -> T:
        """The answer to one request about `name`, repeated while its fault is transient.

        Raises `NotFound`, `Conflict` or another `StoreError` that says what the service's error means.
        """
        return self.retries.call(f"{what} {self.uri(name)}", lambda: self.explained(name, request))

    def explained(self, name: str, request: Callable[[], T]) -> T:
        """The answer to one request, tried once. Raises as `call` does, and `Transient`."""
        try:
            return request()
        except Exception as error:
            if not isinstance(error, self._faults):
                raise
            _explain(error, self.uri(name))

    def _goes_away(self, error: Exception) -> bool:
        """Will a fault that the client itself can repeat pass? If so, it is counted."""
        try:
            _explain(error, self.name)
        except Transient as fault:
            if fault.name == _DAMAGED:
                return False  # what is there already cannot be sent again
            self.retries.count(fault.name)
            return True
        except DarkroomError:
            return False


def _for_obstore(identity: Credentials, pool: urllib3.PoolManager) -> "GCSCredential":
    """The token as it is now, asked for again some minutes before it would expire.

    Obstore's client holds what it asks for ever, out of the garbage collector's sight: that must not be who holds the
    client.
    """
    if not identity.valid:
        identity.refresh(Request(pool))  # type: ignore[no-untyped-call]
    return {"token": str(identity.token), "expires_at": datetime.now(UTC) + _ASKED_AGAIN}


def _said(body: bytes) -> str:
    """What an answer that refuses says: the JSON API's message, or the page's text."""
    text = body.decode(errors="replace")
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text


def _explain(error: Exception, uri: str) -> NoReturn:
    status = _status(error)
    if status == 404:
        if "bucket does not exist" in str(error).lower():
            bucket = "/".join(uri.split("/")[:3])
            raise BadInput(f"{bucket}: there is no such bucket; create it, or mend the name.") from error
        raise NotFound(f"{uri}: there is no such object.") from error
    if status == 412:
        raise Conflict(f"{uri}: it changed in the meantime, or there already is such an object.") from error
    if status in (401, 403) or isinstance(error, google.auth.exceptions.RefreshError):
        raise Denied(f"{uri}: Google refuses access; check the credentials and the bucket's roles.") from error
    if status == 400 and "crc32c" in _body(error).lower():
        raise Transient(_DAMAGED, "Google got other bytes than were sent") from error
    if status in (408, 429) or status >= 500 or not status:
        raise Transient(_fault_name(error), first_line(error)) from error
    raise StoreError(f"{uri}: Google refuses it: {first_line(error)}") from error


def _status(error: Exception) -> int:
    """The HTTP status of the answer that an error came with; 0 where there was no answer."""
    for kind, status in _STATUSES.items():
        if isinstance(error, kind):
            return status
    if isinstance(error, obstore.exceptions.BaseError):  # it hands on only its sentence
        found = re.search(r"status code: (\d{3})", str(error))
        return int(found[1]) if found else 0
    code = getattr(error, "code", None)
    response = getattr(error, "response", None)
    return int(code or getattr(response, "status_code", None) or 0)


def _body(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(error) + str(getattr(response, "text", ""))


def _fault_name(error: Exception) -> str:
    status = _status(error)
    return f"HTTP {status}" if status else type(error).__name__
