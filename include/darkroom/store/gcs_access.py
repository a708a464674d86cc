"""How Google Cloud Storage is reached: whose credentials, which endpoint, and what its errors mean."""

import os
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, NoReturn, TypeVar, cast

import google.auth
import google.auth.exceptions
import requests
import urllib3.exceptions
from google.api_core import exceptions as api
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials, Credentials, with_scopes_if_required
from google.auth.transport.requests import AuthorizedSession
from google.cloud import storage
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from darkroom.errors import BadInput, Conflict, DarkroomError, Denied, NotFound, StoreError
from darkroom.store.access import NO_ACCESS, Access
from darkroom.store.retries import Retries, Transient, first_line

T = TypeVar("T")

CONNECTIONS = 32  # as many requests at once as `GcsStore.concurrency` asks for
TIMEOUT = (10, 60)  # seconds: to connect, without a byte

_DAMAGED = "damaged upload"
_SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
_FAULTS = (
    api.GoogleAPIError,
    google.auth.exceptions.GoogleAuthError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    InvalidResponse,
    DataCorruption,
    OSError,
)


class GcsAccess:
    """One bucket's client.

    Credentials are the access's key file, or Google's application default ones (`GOOGLE_APPLICATION_CREDENTIALS`,
    `gcloud auth`, a service account's); with `STORAGE_EMULATOR_HOST` there are none. `Retries` repeats every call but
    the parts of a resumable upload, which only the client can resume: it is given `resuming`.
    """

    def __init__(self, bucket: str, access: Access = NO_ACCESS) -> None:
        self.name, self._access = bucket, access
        self.retries = Retries()
        self.resuming = Retry(predicate=self._goes_away, initial=0.2, maximum=20.0, timeout=120.0)

    @cached_property
    def bucket(self) -> storage.Bucket:
        """The client's handle of the bucket; costs no request."""
        emulator = self._access.environment().get("STORAGE_EMULATOR_HOST")
        credentials: Credentials = AnonymousCredentials() if emulator else self._credentials()  # type: ignore[no-untyped-call]
        session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
        session.mount("https://", HTTPAdapter(pool_maxsize=CONNECTIONS))
        session.mount("http://", HTTPAdapter(pool_maxsize=CONNECTIONS))
        options = {"api_endpoint": emulator} if emulator else None
        client = storage.Client(project="none", credentials=credentials, _http=session, client_options=options)
        # looked up once: for each request it takes as long as a third of a small object does
        session.proxies = get_environ_proxies(client._connection.API_BASE_URL)
        session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        session.trust_env = False
        return client.bucket(self.name)

    def get_json(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        """The answer to a GET of the JSON API. Raises the client's errors."""
        connection = self.bucket.client._connection
        found: dict[str, Any] = connection.api_request("GET", path, query_params=query, timeout=TIMEOUT)
        return found

    def get(self, path: str, headers: Mapping[str, str]) -> requests.Response:
        """The answer to any other GET, of whatever status; its body is not read yet. Raises the client's errors."""
        client = self.bucket.client
        url = client._connection.API_BASE_URL + path
        answer: requests.Response = client._http.request("GET", url, headers=headers, timeout=TIMEOUT, stream=True)
        return answer

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
        except _FAULTS as error:
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
    code = getattr(error, "code", None)
    response = getattr(error, "response", None)
    return int(code or getattr(response, "status_code", None) or 0)


def _body(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(error) + str(getattr(response, "text", ""))


def _fault_name(error: Exception) -> str:
    status = _status(error)
    return f"HTTP {status}" if status else type(error).__name__
