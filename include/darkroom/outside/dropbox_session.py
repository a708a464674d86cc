"""The connections to Dropbox, and the tokens that are shown there.

Apart from the calls, as whoever only wants a token need not wait for Dropbox's library.
"""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import requests
import urllib3

from darkroom.errors import BadInput, Denied, StoreError
from darkroom.outside.dropbox_errors import APP_KEY, APP_SECRET, REFRESH_TOKEN, TOKEN, busy, misread
from darkroom.store.access import Access
from darkroom.store.retries import Retries, Transient, first_line

T = TypeVar("T")

TIMEOUT = (10, 60)
"""Seconds: to connect, and without a byte."""

_LARGEST = 64 << 20  # bytes of an answer that is no file
_CONNECTIONS = 32
_HOSTS = {"api": "DROPBOX_API_HOST", "content": "DROPBOX_API_CONTENT_HOST", "notify": "DROPBOX_API_NOTIFY_HOST"}
_MISREAD = (ValueError, KeyError, TypeError, AttributeError, AssertionError, IndexError, RecursionError)


def hosts(environment: dict[str, str]) -> dict[str, str]:
    """Dropbox's hosts by what they are for, or those that stand for them: in a test, a server of its own."""
    return {name: environment.get(variable) or f"{name}.dropboxapi.com" for name, variable in _HOSTS.items()}


class Session(requests.Session):
    """Bounded answers, no redirects, and certificates as an environment says."""

    def __init__(self, environment: dict[str, str]) -> None:
        super().__init__()
        self.mount("https://", requests.adapters.HTTPAdapter(pool_connections=4, pool_maxsize=_CONNECTIONS))
        self._certificates = environment.get("REQUESTS_CA_BUNDLE") or environment.get("CURL_CA_BUNDLE") or True

    def request(self, method: Any, url: Any, *args: Any, **options: Any) -> requests.Response:
        """As requests does it; only a file's bytes may be left unread."""
        is_file = options.pop("stream", False)
        # the process's own variable would count before the session's attribute, but not before this
        bounds = {"stream": True, "allow_redirects": False, "verify": self._certificates}
        answer = super().request(method, url, *args, **{**options, **bounds})
        if not (is_file and answer.status_code in (200, 206)):
            answer._content = _bounded(answer)  # as requests itself keeps a body that was read
            answer._content_consumed = True
        if answer.status_code == 403:
            raise Denied("Dropbox does not allow it (HTTP 403); see the app's permissions, and the account's.")
        if 300 <= answer.status_code < 400:
            raise misread("it leads elsewhere")
        return answer


class Tokens:
    """The access token of an identity: as it was given, or by a refresh token, again when it has expired. Thread-safe.

    What asks may raise `Transient`; `BadInput` where there is nothing to show, `Denied` where it is not taken.
    """

    def __init__(self, environment: dict[str, str], session: Session) -> None:
        self._token, self._refresh, self._key, self._secret = (
            _secret(environment, name) for name in (TOKEN, REFRESH_TOKEN, APP_KEY, APP_SECRET)
        )
        self._url, self._session = f"https://{hosts(environment)['api']}/oauth2/token", session
        self._lock = threading.Lock()

    @property
    def are_renewable(self) -> bool:
        """Can there be another one when this has expired?"""
        return bool(self._refresh and self._key)

    def current(self) -> str:
        """The token, asked for once where there is none."""
        with self._lock:
            self._token = self._token or told(self._fresh)
            return self._token

    def forget(self, token: str) -> None:
        """It has expired."""
        with self._lock:
            if self._token == token:
                self._token = ""

    def _fresh(self) -> str:
        if not self.are_renewable:
            raise BadInput(f"Dropbox: there is no token; set {TOKEN}, or {REFRESH_TOKEN} with {APP_KEY}.")
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh, "client_id": self._key}
        if self._secret:  # an app that was authorised with PKCE needs none
            form["client_secret"] = self._secret
        answer = self._session.post(self._url, data=form, timeout=TIMEOUT)
        if answer.status_code in (400, 401):
            raise Denied(f"Dropbox refuses {REFRESH_TOKEN} with {APP_KEY}; authorise the app again.")
        if answer.status_code == 429:
            raise busy(float(answer.headers.get("Retry-After", "5")))
        if answer.status_code >= 500:
            raise Transient(f"HTTP {answer.status_code}", "Dropbox has a fault of its own")
        token = answer.json()["access_token"]
        if not isinstance(token, str) or not _is_plain(token) or not token:
            raise misread("it is no token")
        return token


def short_lived_token(access: Access) -> str:
    """A token that is good for some hours, by the refresh token of an access. Raises as `Dropbox` does."""
    environment = access.environment()
    tokens = Tokens(environment, Session(environment))
    return Retries().call("asking Dropbox for a token", tokens.current)


def told(ask: Callable[[], T]) -> T:
    """The answer to one request, or what its error means. No error is passed on that could quote a token."""
    try:
        return ask()
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise StoreError(
                "Dropbox: its certificate does not hold; where a proxy opens connections, name its authority's "
                "certificates in REQUESTS_CA_BUNDLE."
            ) from None
        raise Transient("broken connection", type(error).__name__) from None
    except requests.exceptions.JSONDecodeError:
        raise misread("it is no JSON") from None
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidProxyURL, requests.exceptions.InvalidSchema):
        raise BadInput("Dropbox: its address or the proxy's is none; see DROPBOX_API_HOST and HTTPS_PROXY.") from None
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise Transient(type(error).__name__, "the connection broke, or none came about") from None
    except _MISREAD as error:
        raise misread(f"it has another form ({type(error).__name__})") from None
    except OSError as error:
        raise BadInput(f"Dropbox: {first_line(error).rstrip('.')}; see REQUESTS_CA_BUNDLE.") from None


def _bounded(answer: requests.Response) -> bytes:
    body = bytearray()
    try:
        for piece in answer.iter_content(1 << 16):
            body += piece
            if len(body) > _LARGEST:
                raise misread(f"it has more than {_LARGEST >> 20} MiB")
    finally:
        answer.close()
    return bytes(body)


def _secret(environment: dict[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not _is_plain(value):
        raise BadInput(f"{name}: it has characters that no token has; copy it again.")
    return value


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text
