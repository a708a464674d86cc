"""Images from the web: a URL that a stranger wrote is fetched, and nothing else is reached by it (DESIGN 10).

Every hop is checked like the first: its scheme, its host, and every address of its host, of which one is then connected
to, so that no second answer of a name server can lead elsewhere. Proxies of the environment are not used: a proxy would
look the names up by itself, and reach what it likes.
"""

import http.client
import io
import logging
import re
import socket
import ssl
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as NoAnswer
from urllib3.util import parse_url
from urllib3.util.response import assert_header_parsing

from darkroom.amounts import human_bytes, human_seconds
from darkroom.failures import DownloadFailed, Gone
from darkroom.store.retries import first_line

log = logging.getLogger(__name__)

CONNECT, READ = 10.0, 30.0
"""Seconds for a connection, and for each read."""
PATIENCE, RATE = 60.0, 100_000
"""Seconds that a whole try may take, and bytes that give it one more each: a server that drips holds no worker."""
TRIES = 3
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 5.0
"""Seconds between tries: random from 0 to a bound that doubles; also all that a server's `Retry-After` is given."""
REDIRECTS = 5
LONGEST = 4000
"""Characters of a URL; signed ones have up to some 2,500."""

_PIECE = 1 << 16
_HEADS = 1 << 20  # bytes of a try beside the image: heads, and the framing of a body in chunks
_HOSTS_ADDRESSES = 3  # of one host that are tried, as each may take the whole CONNECT
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._-]{1,253}|\[[0-9a-f:.]+\]")
_REDIRECTED = frozenset({301, 302, 303, 307, 308})
_BUSY = frozenset({429, 500, 502, 503, 504})

_NAT64 = ip_network("64:ff9b::/96")
_IPV6_INTERNET = ip_network("2000::/3")  # https://www.iana.org/assignments/ipv6-address-space
_NOT_PUBLIC = (
    ip_network("192.0.0.0/24"),  # not for hosts, but a cloud has its metadata there; older Pythons call it global
    ip_network("192.88.99.0/24"),  # 6to4's relays
    ip_network("168.63.129.16/32"),  # Azure's own host, to its guests
)


class _Passing(DownloadFailed):
    """A fault that the next try may not meet. `after` is how many seconds the server asks to wait."""

    def __init__(self, reason: str, after: float = 0.0) -> None:
        super().__init__(reason)
        self.after = after


@dataclass(frozen=True, slots=True)
class Address:
    """Where a URL leads. `host` is in lower case and ASCII, IPv6 in brackets; `target` is its path and query."""

    scheme: str
    host: str
    port: int
    target: str = field(repr=False)  # signatures are in queries

    @property
    def authority(self) -> str:
        """The host, with its port where it is not the scheme's own."""
        return self.host if self.port == _PORTS[self.scheme] else f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The URL, without a fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"


def download(url: str, file: Path, *, most: int, private_hosts: Collection[str] = ()) -> int:
    """Fetch what `url` leads to into `file`; returns its bytes, which are at most `most`.

    `private_hosts` (see `hosts`) may have private addresses. Raises `Gone` where the server answers 404, and
    `DownloadFailed` for everything else, once transient faults were met `TRIES` times; nothing lies at `file` then. A
    reason names the host, but neither path nor query.
    """
    allowed = frozenset(host.lower() for host in private_hosts)
    policy = Retrying(
        stop=stop_after_attempt(TRIES),
        wait=_pause,
        retry=retry_if_exception_type(_Passing),
        before_sleep=lambda state: log.warning("%s; trying again.", _fault(state)),
        reraise=True,
    )
    try:
        return policy(_fetch, address_of(url), file, most, allowed)
    except BaseException as failure:
        file.unlink(missing_ok=True)
        if isinstance(failure, _Passing):
            raise DownloadFailed(f"{failure}, and that {TRIES} times") from None
        raise


def hosts(text: str) -> frozenset[str]:
    """The hosts of the setting DARKROOM_PRIVATE_HOSTS, each with or without a port, as URLs write them.

    >>> sorted(hosts("DAM.intern, 10.0.0.7:8080,"))
    ['10.0.0.7:8080', 'dam.intern']
    """
    return frozenset(host for part in text.split(",") if (host := part.strip().lower()))


def address_of(url: str) -> Address:
    """Where a URL leads. Raises `DownloadFailed` for what is no plain http or https URL."""
    if len(url) > LONGEST:
        raise DownloadFailed(f"its URL has {len(url):,} characters, more than {LONGEST:,}")
    if not url.isprintable() or " " in url or "\\" in url:  # a backslash is a slash to some readers of URLs
        raise DownloadFailed("its URL holds spaces, backslashes or control characters, which have to be escaped")
    try:
        parts = parse_url(url)
    except ValueError:
        raise DownloadFailed("its URL cannot be read") from None
    if parts.scheme not in _PORTS:
        raise DownloadFailed("its URL does not begin with http:// or https://")
    if parts.auth is not None:
        raise DownloadFailed("its URL holds a user's name or password, which are not used")
    host = (parts.host or "").rstrip(".").lower()
    if not _HOST.fullmatch(host):
        raise DownloadFailed("its URL names no host")
    port = _PORTS[parts.scheme] if parts.port is None else parts.port
    return Address(parts.scheme, host, port, parts.request_uri)


def is_public(address: str) -> bool:
    """Is an IP address one of the public internet? Of those that hold an IPv4 address, it decides.

    >>> is_public("93.184.215.14"), is_public("169.254.169.254"), is_public("64:ff9b::a9fe:a9fe")
    (True, False, False)
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:  # how a network without IPv4 reaches what has nothing else
            ip = IPv4Address(int(ip) & 0xFFFF_FFFF)
        else:  # the tunnels 6to4 and Teredo lead to IPv4 addresses too, but nobody is reached by them any more
            return ip in _IPV6_INTERNET and ip.is_global and ip.sixtofour is None and ip.teredo is None
    return ip.is_global and not ip.is_multicast and not any(ip in network for network in _NOT_PUBLIC)


def _fault(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _pause(state: RetryCallState) -> float:
    fault = _fault(state)
    asked = fault.after if isinstance(fault, _Passing) else 0.0
    return max(wait_random_exponential(FIRST_PAUSE, LONGEST_PAUSE)(state), min(asked, LONGEST_PAUSE))


def _fetch(address: Address, file: Path, most: int, allowed: frozenset[str]) -> int:
    """One try, from its first hop to the last byte."""
    pace = _Pace(most)
    for _ in range(REDIRECTS + 1):
        with _asked(address, allowed, pace) as answer:
            if answer.status not in _REDIRECTED:
                _require_image(answer, address.host, most)
                return _save(answer, address.host, file, most)
            address = _redirected(address, answer)
    raise DownloadFailed(f"it redirects more than {REDIRECTS} times")


@contextmanager
def _asked(address: Address, allowed: frozenset[str], pace: "_Pace") -> Iterator[HTTPResponse]:
    """The answer to a request, its body unread."""
    headers = {
        "Host": address.authority,
        "User-Agent": "Darkroom",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    connection = _connected(address, _looked_up(address, allowed), pace)
    try:
        with _told(address.host):
            connection.request("GET", address.target, headers=headers, preload_content=False, decode_content=False)
            answer = connection.getresponse()
        try:
            yield answer
        finally:
            answer.close()
    finally:
        connection.close()


def _looked_up(address: Address, allowed: frozenset[str]) -> list[str]:
    """The IP addresses of a host. This is the only time that its name is looked up."""
    host = address.host
    try:  # also of a number, as there are more ways to write 127.0.0.1 than this could know
        found = socket.getaddrinfo(host.strip("[]"), address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
            raise _Passing(f"the host {host} cannot be looked up now") from None
        raise DownloadFailed(f"there is no host {host}") from None
    ips = list(dict.fromkeys(str(where[0]) for *_, where in found))
    if allowed.isdisjoint((host, f"{host}:{address.port}")):
        for ip in ips:
            if not is_public(ip):
                raise DownloadFailed(
                    f"the host {host} has an address that is not public ({ip}); if that is meant, add it to "
                    "DARKROOM_PRIVATE_HOSTS"
                )
    return ips[:_HOSTS_ADDRESSES]


def _connected(address: Address, ips: list[str], pace: "_Pace") -> HTTPConnection:
    """A connection to the first of a host's addresses that takes one; its certificate is the host's, not the address's.

    See https://urllib3.readthedocs.io/en/stable/advanced-usage.html#custom-sni-hostname.
    """
    for ip in ips:
        pace.take(0)
        connection = (
            HTTPSConnection(ip, address.port, timeout=CONNECT, server_hostname=address.host)
            if address.scheme == "https"
            else HTTPConnection(ip, address.port, timeout=CONNECT)
        )
        connection.response_class = partial(_Answer, pace)  # type: ignore[assignment]
        try:
            with _told(address.host):
                connection.connect()
        except DownloadFailed as failure:
            connection.close()
            if ip == ips[-1] or not isinstance(failure, _Passing):
                raise
        else:
            connection.timeout = READ
            return connection
    raise DownloadFailed(f"there is no host {address.host}")


def _redirected(address: Address, answer: HTTPResponse) -> Address:
    location = answer.headers.get("Location", "")
    if not location:
        raise DownloadFailed(f"{address.host} redirects, but does not say where to")
    # what is not ASCII in a header are bytes, of whatever they mean
    escaped = re.sub(r"[^\x00-\x7f]", lambda found: f"%{ord(found[0]):02X}", location)
    try:
        return address_of(urljoin(address.url, escaped))
    except (DownloadFailed, ValueError) as error:
        reason = error if isinstance(error, DownloadFailed) else "its URL cannot be read"
        raise DownloadFailed(f"{address.host} redirects, and then {reason}") from None


def _require_image(answer: HTTPResponse, host: str, most: int) -> None:
    """Raises `DownloadFailed` where an answer's head says already that its body is not wanted."""
    status = answer.status
    if status != HTTPStatus.OK:
        phrase = f" ({HTTPStatus(status).phrase})" if status in set(HTTPStatus) else ""
        reason = f"{host} answers {status}{phrase}"
        if status == HTTPStatus.NOT_FOUND:
            raise Gone(reason)
        if status in _BUSY:
            asked = answer.headers.get("Retry-After", "")
            raise _Passing(reason, float(asked) if re.fullmatch("[0-9]{1,9}", asked) else 0.0)
        raise DownloadFailed(reason)
    for header, known in (("Content-Encoding", "identity"), ("Transfer-Encoding", "chunked")):
        if (value := (answer.headers.get(header) or known).lower()) != known:
            raise DownloadFailed(
                f"{host} sends it with the {header} {first_line(value)[:40]!r}, which was not asked for"
            )
    if answer.length_remaining is not None and answer.length_remaining > most:
        raise DownloadFailed(
            f"{host} announces {human_bytes(answer.length_remaining)}, and an image may have {human_bytes(most)}"
        )


def _save(answer: HTTPResponse, host: str, file: Path, most: int) -> int:
    written, whole = 0, answer.length_remaining
    try:
        with file.open("wb") as copy:
            while data := _read(answer, host, written, whole):
                written += len(data)
                if written > most:
                    raise DownloadFailed(f"{host} sends more than {human_bytes(most)}, which an image may have")
                copy.write(data)
    except OSError as error:
        raise DownloadFailed(f"it cannot be kept here: {first_line(error.strerror)}") from None
    return written


def _read(answer: HTTPResponse, host: str, before: int, whole: int | None) -> bytes:
    """The next bytes of a body, of whose `whole` there are `before` already; none at its end."""
    try:
        return answer.read1(_PIECE, decode_content=False)
    except HTTPError as error:
        ended = "stopped" if isinstance(error, NoAnswer) else "ended"
        of = "" if whole is None else f" of {whole:,}"
        raise _Passing(f"{host} sends a part of it only: it {ended} after {before:,}{of} bytes") from None


@contextmanager
def _told(host: str) -> Iterator[None]:
    """Says plainly, and of whom, what goes wrong before there is an answer."""
    try:
        yield
    except NewConnectionError as error:  # to urllib3 it is a timeout too
        raise _Passing(f"{host} cannot be reached: {first_line(error.__cause__)}") from None
    except (TimeoutError, NoAnswer):
        raise _Passing(f"{host} does not answer in time") from None
    except ssl.SSLCertVerificationError as error:
        raise DownloadFailed(f"the certificate of {host} does not hold: {first_line(error.verify_message)}") from None
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        raise _Passing(f"{host} broke the connection off") from None
    except ssl.SSLError as error:
        raise DownloadFailed(f"{host} does not speak TLS as it should: {first_line(error.reason)}") from None
    except OSError:
        raise _Passing(f"{host} broke the connection off") from None
    except (http.client.HTTPException, HTTPError):
        raise DownloadFailed(f"{host} does not speak HTTP as it should") from None


class _Pace:
    """What one try may take over all its hops: seconds, and bytes with heads and framing, which have no end either."""

    def __init__(self, most: int) -> None:
        self._most = 2 * most + _HEADS
        self._began = time.monotonic()
        self._taken = 0

    def take(self, count: int) -> None:
        self._taken += count
        seconds = time.monotonic() - self._began
        if seconds > PATIENCE + self._taken / RATE:
            raise DownloadFailed(f"it comes too slowly: {human_bytes(self._taken)} in {human_seconds(seconds)}")
        if self._taken > self._most:
            raise DownloadFailed(f"what comes has no end: it is {human_bytes(self._taken)} now")


class _Paced(io.RawIOBase):
    """What is read from a socket, at a pace."""

    def __init__(self, raw: io.RawIOBase, pace: _Pace) -> None:
        self._raw, self._pace = raw, pace

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._raw.readinto(buffer) or 0
        self._pace.take(count)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer whose every byte is paced: a head can drip, and trailers or "100 Continue" follow without end."""

    def __init__(self, pace: _Pace, sock: socket.socket, debuglevel: int = 0, method: str | None = None) -> None:
        super().__init__(sock, debuglevel, method)
        self.fp = io.BufferedReader(_Paced(self.fp.detach(), pace))

    def begin(self) -> None:
        super().begin()
        assert_header_parsing(self.headers)  # urllib3 itself would only log it, with the whole URL
