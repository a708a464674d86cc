"""Images from URLs that strangers wrote: what arrives, what is refused, and that nothing private is ever asked."""

import logging
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from darkroom.failures import DownloadFailed, Gone
from darkroom.outside import web
from tests.servers.hostile_web import IMAGE, HostileWeb, certificate
from tests.servers.network import Network

MOST = 1 << 20
PUBLIC = "93.184.215.14"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"CONNECT": 2.0, "READ": 5.0, "FIRST_PAUSE": 0.01, "LONGEST_PAUSE": 0.02}.items():
        monkeypatch.setattr(web, name, value)


@pytest.fixture
def site() -> Iterator[HostileWeb]:
    with HostileWeb() as server:
        yield server


@pytest.fixture
def private() -> Iterator[HostileWeb]:
    """What nobody's URL may reach."""
    with HostileWeb() as server:
        yield server
        assert (server.connections, server.got) == (0, [])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "image"


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    return Network(monkeypatch)


def fetch(site: HostileWeb, path: str, file: Path, most: int = MOST) -> int:
    return web.download(f"{site.url}/{path}", file, most=most, private_hosts=[site.host])


def refused(site: HostileWeb, path: str, file: Path, most: int = MOST) -> str:
    """The reason why it is not fetched, of which nothing is left."""
    with pytest.raises(DownloadFailed) as failure:
        fetch(site, path, file, most)
    assert not file.exists()
    assert type(failure.value) is DownloadFailed
    return str(failure.value)


@pytest.mark.parametrize("path", ["image", "chunked", "hops/5", "busy/2", "first-reset", "image?signature=secret#page"])
def test_an_image_arrives(site: HostileWeb, file: Path, path: str) -> None:
    file.write_bytes(b"of another")
    assert fetch(site, path, file, len(IMAGE)) == len(IMAGE)
    assert file.read_bytes() == IMAGE


def test_a_request_says_little(site: HostileWeb, file: Path) -> None:
    fetch(site, "a/b?c=d#e", file)
    ((path, headers),) = site.got
    assert path == "/a/b?c=d"
    assert headers == {
        "Host": site.host,
        "User-Agent": "Darkroom",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "localhost", "LOCALHOST.", "0", "[::1]"]
)
def test_a_url_of_a_private_address_is_refused(private: HostileWeb, file: Path, host: str) -> None:
    with pytest.raises(DownloadFailed, match=r"not public \(.*DARKROOM_PRIVATE_HOSTS"):
        web.download(f"http://{host}:{private.port}/image", file, most=MOST, private_hosts=["127.0.0.1:1", "0x7f"])


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:{}/", "//127.0.0.1:{}/x", "http://[::ffff:127.0.0.1]:{}/", "https://localhost:{}/?x"],
)
def test_a_url_that_redirects_to_a_private_address_is_refused(
    site: HostileWeb, private: HostileWeb, file: Path, location: str
) -> None:
    reason = refused(site, "to/" + quote(location.format(private.port), safe=""), file)
    assert "has an address that is not public" in reason
    assert len(site.got) == 1


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("file:///etc/passwd", "does not begin with http"),
        ("ftp://127.0.0.1/x", "does not begin with http"),
        ("http://me:secret@127.0.0.1/", "name or password"),
        ("http://[127.0.0.1/", "cannot be read"),
        ("/a b", "spaces"),
    ],
)
def test_a_redirect_is_checked_like_the_first_url(site: HostileWeb, file: Path, location: str, reason: str) -> None:
    said = refused(site, "to/" + quote(location, safe=""), file)
    assert said.startswith("127.0.0.1 redirects, and then its URL ")
    assert reason in said
    assert "secret" not in said
    assert len(site.got) == 1
    assert refused(site, "far/5000", file).startswith("127.0.0.1 redirects, and then its URL has 5,0")


def test_redirects_end(site: HostileWeb, file: Path) -> None:
    assert refused(site, "loop", file) == "it redirects more than 5 times"
    assert len(site.got) == 6
    assert refused(site, "hops/6", file) == "it redirects more than 5 times"
    assert refused(site, "nowhere", file) == "127.0.0.1 redirects, but does not say where to"


@pytest.mark.parametrize("name", ["é".encode(), "é".encode("latin-1")])
def test_a_redirect_to_bytes_that_are_not_ascii_goes_to_these_bytes(site: HostileWeb, file: Path, name: bytes) -> None:
    fetch(site, "raw-to/" + (b"/" + name).hex(), file)
    assert site.got[1].path == "/" + quote(name)


def test_a_private_host_is_allowed_by_its_name_or_with_its_port(site: HostileWeb, file: Path, network: Network) -> None:
    network.names["dam.intern"] = [["10.0.0.7"]]
    url = f"http://DAM.intern:{site.port}/image"
    for allowed in ("dam.intern", "Dam.Intern", f"dam.intern:{site.port}"):
        assert web.download(url, file, most=MOST, private_hosts=[allowed]) == len(IMAGE)
    for other in ("intern", "am.intern", "dam.intern:80", "10.0.0.7"):
        with pytest.raises(DownloadFailed, match="not public"):
            web.download(url, file, most=MOST, private_hosts=[other])
    assert network.reached == ["10.0.0.7"] * 3


def test_a_name_is_looked_up_once_and_the_address_that_was_checked_is_connected_to(
    site: HostileWeb, file: Path, network: Network
) -> None:
    network.names["rebinding.test"] = [[PUBLIC], ["127.0.0.1"]]
    url = f"http://rebinding.test:{site.port}/image"
    assert web.download(url, file, most=MOST) == len(IMAGE)
    assert (network.asked, network.reached) == (["rebinding.test"], [PUBLIC])
    assert site.got[0].headers["Host"] == f"rebinding.test:{site.port}"
    with pytest.raises(DownloadFailed, match=r"not public \(127\.0\.0\.1\)"):  # its next answer
        web.download(url, file, most=MOST)
    assert network.reached == [PUBLIC]


def test_every_hop_and_every_try_checks_the_name_again(site: HostileWeb, file: Path, network: Network) -> None:
    for path in (f"hops/1?{'x' * 9}", "status/503"):
        network.names["rebinding.test"] = [[PUBLIC], ["169.254.169.254"]]
        with pytest.raises(DownloadFailed, match=r"not public \(169\.254\.169\.254\)"):
            web.download(f"http://rebinding.test:{site.port}/{path}", file, most=MOST)
    assert network.reached == [PUBLIC, PUBLIC]


def test_a_host_with_one_private_address_beside_public_ones_is_refused(
    private: HostileWeb, file: Path, network: Network
) -> None:
    network.names["mixed.test"] = [[PUBLIC, "2606:2800:21f:cb07::1", "10.0.0.7"]]
    with pytest.raises(DownloadFailed, match=r"mixed\.test has an address that is not public \(10\.0\.0\.7\)"):
        web.download(f"http://mixed.test:{private.port}/", file, most=MOST)
    assert network.reached == []


def test_a_hosts_next_address_is_tried_where_one_does_not_answer(
    site: HostileWeb, file: Path, network: Network
) -> None:
    network.names["many.test"] = [["2606:2800:21f:cb07::1", PUBLIC]]
    network.dead.add("2606:2800:21f:cb07::1")
    assert web.download(f"http://many.test:{site.port}/", file, most=MOST) == len(IMAGE)
    assert network.reached == ["2606:2800:21f:cb07::1", PUBLIC]
    network.names["dead.test"] = [[f"93.184.215.{last}" for last in range(20)]]
    network.dead.update(network.names["dead.test"][0])
    with pytest.raises(DownloadFailed, match=r"^dead.test cannot be reached: .*refused, and that 3 times$"):
        web.download(f"http://dead.test:{site.port}/", file, most=MOST)
    assert len(network.reached) == 2 + 3 * 3


@pytest.mark.parametrize(
    ("code", "tries", "reason"),
    [
        (socket.EAI_NONAME, 1, "there is no host a.test"),
        (socket.EAI_AGAIN, 3, "the host a.test cannot be looked up now, and that 3 times"),
    ],
)
def test_a_name_that_is_not_found_is_said(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int, tries: int, reason: str
) -> None:
    asked = []

    def fails(*args: Any, **_: Any) -> None:
        asked.append(args)
        raise socket.gaierror(code, "no")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(DownloadFailed) as failure:
        web.download("http://a.test/x", file, most=MOST)
    assert (str(failure.value), len(asked)) == (reason, tries)


@pytest.mark.parametrize("host", ["a..test", f"{'a' * 64}.test", "%61..test"])
def test_what_can_be_no_hosts_name_is_said(file: Path, host: str) -> None:
    with pytest.raises(DownloadFailed, match=r"^there is no host a+\.+test$"):
        web.download(f"http://{host}/x", file, most=MOST)


def test_proxies_of_the_environment_are_not_asked(
    site: HostileWeb, private: HostileWeb, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, private.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert fetch(site, "image", file) == len(IMAGE)


def test_only_404_says_that_an_image_is_gone(site: HostileWeb, file: Path) -> None:
    for path in ("status/404", "to/%2Fstatus%2F404"):
        with pytest.raises(Gone, match=r"^127\.0\.0\.1 answers 404 \(Not Found\)$"):
            fetch(site, path, file)
        assert not file.exists()
    assert refused(site, "status/410", file) == "127.0.0.1 answers 410 (Gone)"
    assert refused(site, "status/403", file) == "127.0.0.1 answers 403 (Forbidden)"
    assert refused(site, "status/204", file) == "127.0.0.1 answers 204 (No Content)"
    assert refused(site, "status/799", file) == "127.0.0.1 answers 799"
    assert max(site.asked.values()) == 2  # the 404, on both ways


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_stays_busy_is_asked_three_times(site: HostileWeb, file: Path, status: int) -> None:
    assert refused(site, f"status/{status}", file).endswith(", and that 3 times")
    assert len(site.got) == 3


def test_a_server_that_asks_for_an_hour_is_given_a_moment(
    site: HostileWeb, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", pauses.append)
    monkeypatch.setattr(web, "LONGEST_PAUSE", 5.0)
    fetch(site, "busy/2/3600", file)
    assert pauses == [5.0, 5.0]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("short", "127.0.0.1 sends a part of it only: it ended after 102,400 of 204,800 bytes, and that 3 times"),
        ("short-chunk", "127.0.0.1 sends a part of it only: it ended after 102,400 bytes, and that 3 times"),
        ("stalls", "127.0.0.1 sends a part of it only: it stopped after 102,400 of 204,800 bytes, and that 3 times"),
        ("silent", "127.0.0.1 does not answer in time, and that 3 times"),
        ("reset", "127.0.0.1 broke the connection off, and that 3 times"),
    ],
)
def test_a_part_of_an_image_is_none(
    site: HostileWeb, file: Path, monkeypatch: pytest.MonkeyPatch, path: str, reason: str
) -> None:
    if path in ("stalls", "silent"):
        monkeypatch.setattr(web, "READ", 0.2)
    began = time.monotonic()
    assert refused(site, path, file) == reason
    assert len(site.got) == 3
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("huge", "127.0.0.1 announces 1.0 TB, and an image may have 150.0 kB"),
        ("endless", "127.0.0.1 sends more than 150.0 kB, which an image may have"),
        ("endless-unframed", "127.0.0.1 sends more than 150.0 kB, which an image may have"),
        ("minus", "127.0.0.1 sends more than 150.0 kB, which an image may have"),
        ("trailers", "what comes has no end: it is 1."),
        ("continue", "what comes has no end: it is 1."),
    ],
)
def test_what_is_larger_than_an_image_may_be_is_cut_off(site: HostileWeb, file: Path, path: str, reason: str) -> None:
    assert refused(site, path, file, most=150_000).startswith(reason)
    assert len(site.got) == 1


def test_an_image_may_have_exactly_the_most(site: HostileWeb, file: Path) -> None:
    assert fetch(site, "chunked", file, most=len(IMAGE)) == len(IMAGE)
    for path in ("image", "chunked"):
        assert "an image may have" in refused(site, path, file, most=len(IMAGE) - 1)


@pytest.mark.parametrize("path", ["drip", "drip-head", "drip-chunk"])
def test_a_server_that_drips_is_left(site: HostileWeb, file: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(web, "PATIENCE", 0.2)
    assert refused(site, path, file).startswith("it comes too slowly: ")
    assert len(site.got) == 1


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("encoded/gzip", "127.0.0.1 sends it with the Content-Encoding 'gzip', which was not asked for"),
        ("encoded/br", "127.0.0.1 sends it with the Content-Encoding 'br', which was not asked for"),
        ("transferred/gzip,chunked", "127.0.0.1 sends it with the Transfer-Encoding 'gzip,chunked', which was not"),
        ("junk", "127.0.0.1 does not speak HTTP as it should"),
        ("broken-head", "127.0.0.1 does not speak HTTP as it should"),
        ("lengths", "127.0.0.1 does not speak HTTP as it should"),
    ],
)
def test_an_answer_that_is_not_understood_is_refused(site: HostileWeb, file: Path, path: str, reason: str) -> None:
    assert refused(site, path, file).startswith(reason)
    assert len(site.got) == 1


def test_neither_a_reason_nor_a_log_repeats_a_query(
    site: HostileWeb, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for path in ("busy/9", "status/403", "short", "huge", "junk", "broken-head", "lengths", "nowhere", "encoded/gzip"):
        assert "signature" not in refused(site, f"{path}?signature=x", file)
    location = quote("http://10.0.0.7/?signature=x", safe="")
    assert "signature" not in refused(site, f"to/{location}", file)
    assert "127.0.0.1 answers 503 (Service Unavailable); trying again." in caplog.text
    assert "signature" not in caplog.text


def test_an_image_that_cannot_be_kept_is_said(site: HostileWeb, tmp_path: Path) -> None:
    assert refused(site, "image", tmp_path / "none" / "image") == "it cannot be kept here: No such file or directory"


@pytest.fixture
def secure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostileWeb]:
    """A site with TLS, whose certificate for `images.test` is trusted."""
    pem = certificate(tmp_path, "images.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with HostileWeb(pem) as server:
        yield server


def test_tls_asks_for_the_hosts_name_and_proves_it(secure: HostileWeb, file: Path, network: Network) -> None:
    network.names["images.test"] = [[PUBLIC]]
    assert web.download(f"https://images.test:{secure.port}/image", file, most=MOST) == len(IMAGE)
    assert (secure.names, network.reached) == (["images.test"], [PUBLIC])
    assert file.read_bytes() == IMAGE


@pytest.mark.parametrize("host", ["other.test", "127.0.0.1"])
def test_a_certificate_of_another_host_is_refused(secure: HostileWeb, file: Path, network: Network, host: str) -> None:
    network.names["other.test"] = [[PUBLIC]]
    with pytest.raises(DownloadFailed, match=f"^the certificate of {host} does not hold: .*mismatch"):
        web.download(f"https://{host}:{secure.port}/image", file, most=MOST, private_hosts=["127.0.0.1"])
    assert secure.got == []


def test_a_certificate_that_nobody_vouches_for_is_refused(
    secure: HostileWeb, file: Path, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    network.names["images.test"] = [[PUBLIC]]
    with pytest.raises(DownloadFailed, match=r"^the certificate of images\.test does not hold: self.signed"):
        web.download(f"https://images.test:{secure.port}/image", file, most=MOST)
    assert secure.got == []


def test_a_server_without_tls_is_refused_where_the_url_says_https(site: HostileWeb, file: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"^127\.0\.0\.1 does not speak TLS as it should"):
        web.download(f"https://{site.host}/image", file, most=MOST, private_hosts=["127.0.0.1"])
    assert site.got == []
