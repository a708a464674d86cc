"""Questions to a WordPress site's REST API, whose every answer is a stranger's until it is checked.

Who asks is a user with an application password, by HTTP's Basic scheme
(https://developer.wordpress.org/rest-api/using-the-rest-api/authentication/). It is sent to the site's address only:
redirects are not followed. Neither it nor what is made of it stands in an error, a log or a repr.
"""

import base64
import contextlib
import html
import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from http.client import responses
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar
from urllib.parse import urlencode

from darkroom.errors import BadInput, Denied, StoreError, Unavailable
from darkroom.failures import DownloadFailed, WriteFailed
from darkroom.outside.web import Address, address_of, hosts
from darkroom.settings import settings
from darkroom.store.access import Access
from darkroom.store.retries import Retries, Transient, first_line

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

USER, PASSWORD, SITE = "WORDPRESS_USER", "WORDPRESS_APPLICATION_PASSWORD", "WORDPRESS_SITE"
"""The environment variables: the user's name and application password, and the one site that they are meant for."""

HALF_DONE = "X-WP-Upload-Attachment-ID"
"""The header by which an answer of 5xx says that the upload is there, but not all of its sizes
(https://make.wordpress.org/core/2020/01/27/media-upload-request-flow-in-wordpress-5-3/)."""

_LARGEST = 8 << 20  # bytes of an answer
_CONNECT, _SILENCE, _WHOLE = 10, 60, 120  # seconds: to connect, without a byte, for one answer's body
_LONGEST_ASKED = 10  # seconds: what is given of a `Retry-After`, beside the wait that there is anyway
_LEFT_ALONE = 60  # seconds in which a site that answers no question is not asked another one
_CONNECTIONS = 8  # that are kept for the next question
_ID = re.compile(r"[1-9][0-9]{0,17}")
_CODE = re.compile(r"[a-z0-9_]{1,60}")
_TAG = re.compile(r"<[^>]*>")
_WRITE = "write the site's address as https://www.example.org."

T = TypeVar("T")


class HalfDone(Transient):
    """An upload was stored under `id`, and then the server failed."""

    def __init__(self, name: str, detail: str, attachment: int) -> None:
        super().__init__(name, detail)
        self.id = attachment


class Rest:
    """The REST API of one site, for one user; threads may share it.

    Raises `BadInput` for an address that is no https URL (http: on loopback or a host of DARKROOM_PRIVATE_HOSTS), and
    for credentials that are missing, cannot be any, or are another site's.
    """

    def __init__(self, site: str, access: Access) -> None:
        self._private = hosts(settings().private_hosts)
        self.address = _site(site, self._private)
        self.name = _name(self.address)
        """As sentences have it."""
        self._authorization, self._secrets = _credentials(access, self.address, self._private)
        self._retries = Retries()
        self._lock, self._down = threading.Lock(), (0.0, "")

    @property
    def repeats(self) -> dict[str, int]:
        """How many requests were repeated so far, by the name of the fault."""
        return self._retries.counts

    @property
    def private_hosts(self) -> frozenset[str]:
        """The hosts from which files may be fetched though their address is private: the site is one."""
        return self._private | {f"{self.address.host}:{self.address.port}"}

    def ask(self, what: str, method: str, route: str, query: Mapping[str, object], body: object = None) -> Any:
        """The JSON of an answer to a question, or to an order that may come twice; transient faults are waited out.

        `what` says in errors what is done. Raises `Unavailable`, `Denied`, `WriteFailed` where the site refuses just
        this, and `StoreError` for an answer that no WordPress gives.
        """
        return self.repeated(what, lambda: self.once(method, route, query, body))

    def question(self, what: str, route: str, query: Mapping[str, object]) -> Any:
        """The same, of a question that has nothing of an item's in it: where that is not answered, nothing will be.

        So for the next minute all others fail at once, instead of each after its own tries.
        """
        with self._lock:
            until, why = self._down
        if time.monotonic() < until:
            raise Unavailable(f"{what} at {self.name} was not tried, as it did not answer just now: {why}")
        try:
            return self.ask(what, "GET", route, query)
        except Unavailable as failure:
            with self._lock:
                self._down = (time.monotonic() + _LEFT_ALONE, str(failure))
            raise

    def repeated(self, what: str, attempt: Callable[[], T]) -> T:
        """The result of an attempt that may raise `Transient`. Raises `Unavailable` once it has too often."""
        return self._retries.call(f"{what} at {self.name}", attempt)

    def once(
        self,
        method: str,
        route: str,
        query: Mapping[str, object],
        body: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The same, tried once: `body` is bytes or what becomes JSON. Raises `Transient`, `HalfDone` too."""
        import urllib3

        sent = {"Authorization": self._authorization, "User-Agent": "Darkroom", "Accept": "application/json"}
        if body is not None and not isinstance(body, bytes):
            body, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        url = f"{self.address.scheme}://{self.name}/wp-json/wp/v2/{route}?{urlencode(query)}"
        try:
            response = self._pool.request(
                method, url, body=body, headers=sent | dict(headers or {}), redirect=False, preload_content=False
            )
            try:
                text = self._read(response)
            finally:
                response.close()
        except urllib3.exceptions.HTTPError as error:
            raise Transient(type(error).__name__, self._clean(first_line(error))) from None
        return self._answer(response, text, f"{method} {route}")

    def misread(self, why: str) -> StoreError:
        """The error for an answer that is none of WordPress'."""
        return StoreError(f"{self.name}: its answer is not understood: {why}.")

    def _answer(self, response: "BaseHTTPResponse", text: bytes, what: str) -> Any:
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            answer = None
        status = response.status
        if status in (401, 403):
            raise self._denied(status, answer)
        if status >= 400:
            self._refuse(response, answer, what)
        if status >= 300:
            raise StoreError(
                f"{self.name}: it redirects (HTTP {status}), and a password is not sent after that; give the address "
                "that the site itself has, with www or without."
            )
        if answer is None:
            raise self.misread(f"it is no JSON; look whether {self.name}/wp-json/ is a WordPress' REST API")
        return answer

    def _refuse(self, response: "BaseHTTPResponse", answer: object, what: str) -> NoReturn:
        """Raise what an answer of 400 and more means."""
        status, (code, message) = response.status, self._said(answer)
        said = f"HTTP {status}{f' ({code})' if code else ''}: {message or responses.get(status, 'no known status')}"
        # rest_upload_hash_mismatch: the file was changed on its way. Other rest_upload_ codes have a 500, and are final
        if code == "rest_upload_hash_mismatch":
            raise Transient("upload damaged", said)
        if denied := _denied_by(answer):  # which WordPress answers with 400
            raise self._denied(denied, answer)
        if code.startswith("rest_upload_"):
            raise WriteFailed(f"{self.name} does not take it: {said}".rstrip("."))
        if status == 429 or status >= 500:
            asked = response.headers.get("Retry-After", "")
            if re.fullmatch("[0-9]{1,9}", asked):
                time.sleep(min(int(asked), _LONGEST_ASKED))
            found = response.headers.get(HALF_DONE, "")
            if _ID.fullmatch(found):
                raise HalfDone("half-done upload", said, int(found))
            raise Transient(f"HTTP {status}", said)
        if status == 404 and code in ("", "rest_no_route"):
            raise StoreError(
                f"{self.name}: there is no WordPress REST API (HTTP 404); check the address, and that its permalinks "
                "are not `Plain` (Settings > Permalinks)."
            )
        raise WriteFailed(f"{self.name} refuses {what}: {said}".rstrip("."))

    def _denied(self, status: int, answer: object) -> Denied:
        code, _ = self._said(answer)
        said = f"HTTP {status}{f', {code}' if code else ''}"
        if status == 401:
            return Denied(
                f"{self.name}: it does not take {USER} with {PASSWORD} ({said}); make a new application password, or "
                "see docs/wordpress.md if this one is right."
            )
        return Denied(
            f"{self.name}: it does not let {USER} do that ({said}); give the user the role Author (for other people's "
            "posts: Editor), and see that no security plug-in closes the REST API."
        )

    def _said(self, answer: object) -> tuple[str, str]:
        """The code and message of WordPress' own errors, as far as they are any."""
        given = answer if isinstance(answer, dict) else {}
        code, message = given.get("code"), given.get("message")
        code = self._clean(code) if isinstance(code, str) else ""
        message = first_line(html.unescape(_TAG.sub(" ", message[:2000]))) if isinstance(message, str) else ""
        return code if _CODE.fullmatch(code) else "", self._clean(message)

    def _clean(self, text: str) -> str:
        """Without the credentials, should somebody repeat them."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text

    def _read(self, response: "BaseHTTPResponse") -> bytes:
        end, text = time.monotonic() + _WHOLE, bytearray()
        while piece := response.read1(1 << 16, decode_content=False):
            text += piece
            if len(text) > _LARGEST:
                raise StoreError(
                    f"{self.name}: an answer has more than {_LARGEST >> 20} MiB, which WordPress' have not."
                )
            if time.monotonic() > end:
                raise Transient("slow answer", f"its body is not there after {_WHOLE} s")
        return bytes(text)

    @cached_property
    def _pool(self) -> "PoolManager":
        import urllib3

        timeout = urllib3.Timeout(connect=_CONNECT, read=_SILENCE)
        return urllib3.PoolManager(timeout=timeout, retries=False, maxsize=_CONNECTIONS)


def _site(site: str, private_hosts: frozenset[str]) -> Address:
    """Where a site is, which is not repeated in errors: it may hold a password."""
    try:
        address = address_of(site)
    except DownloadFailed as failure:
        raise BadInput(f"The WordPress site: {failure}; {_WRITE}") from None
    if "?" in site or "#" in site:
        raise BadInput(f"The WordPress site: its URL has a query or a fragment; {_WRITE}")
    known = not private_hosts.isdisjoint((address.host, f"{address.host}:{address.port}"))
    if address.scheme != "https" and not known and not _is_loopback(address.host):
        raise BadInput(
            f"The WordPress site {address.authority}: a password is sent by https only, or to a host of "
            f"DARKROOM_PRIVATE_HOSTS; {_WRITE}"
        )
    return address


def _denied_by(answer: object) -> int:
    """The status that a right is refused with inside of an answer of another one; 0 where none is.

    Who may not upload (`rest_cannot_create`), or ask for what lies in the trash (`rest_forbidden_status`, a password
    that is wrong too) gets a 400 (WP_REST_Attachments_Controller, WP_REST_Posts_Controller::sanitize_post_statuses).
    """
    given: Any = answer if isinstance(answer, dict) else {}
    if given.get("code") == "rest_cannot_create":
        return 403
    with contextlib.suppress(AttributeError, KeyError, TypeError):
        wrong = given["data"]["details"]["status"]
        if wrong["code"] == "rest_forbidden_status":
            return 401 if wrong["data"]["status"] == 401 else 403
    return 0


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _name(address: Address) -> str:
    """A site's host and folder, without a slash at its end."""
    return f"{address.authority}{address.target}".rstrip("/")


def _credentials(access: Access, site: Address, private_hosts: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """The header Authorization, and the texts that stand in no error."""
    environment = access.environment()
    user, password, meant = (environment.get(name, "").strip() for name in (USER, PASSWORD, SITE))
    if not user or not password:
        raise BadInput(f"{_name(site)}: set {USER} and {PASSWORD} to a user of the site and an application password.")
    if ":" in user or not user.isprintable():
        raise BadInput(f"{USER}: it has characters that no user's name has; copy it again.")
    if not (password.isascii() and password.isprintable()):
        raise BadInput(f"{PASSWORD}: it has characters that no application password has; copy it again.")
    if meant:
        other = _site(meant, private_hosts)
        if (other.scheme, _name(other)) != (site.scheme, _name(site)):
            raise BadInput(f"{_name(site)}: {USER} and {PASSWORD} are only for {_name(other)}, says {SITE}.")
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Basic {token}", (token, password, password.replace(" ", ""))
