"""URLs that strangers write: which are read, where they lead, and which addresses are public."""

import pytest

from darkroom.failures import DownloadFailed
from darkroom.outside.web import LONGEST, Address, address_of, hosts, is_public


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://a.test", Address("http", "a.test", 80, "/")),
        ("HTTPS://A.Test./x.JPG?s=1#page", Address("https", "a.test", 443, "/x.JPG?s=1")),
        ("http://a.test:8080?s=%2f", Address("http", "a.test", 8080, "/?s=%2F")),
        ("http://a.test/Müller/100%.jpg", Address("http", "a.test", 80, "/M%C3%BCller/100%25.jpg")),
        ("http://a.test/M%C3%BCller/../b", Address("http", "a.test", 80, "/b")),
        ("https://bücher.test/x", Address("https", "xn--bcher-kva.test", 443, "/x")),
        ("http://[2001:DB8::7]:81/x", Address("http", "[2001:db8::7]", 81, "/x")),
    ],
)
def test_a_url_leads_to_a_host_a_port_and_a_target(url: str, address: Address) -> None:
    assert address_of(url) == address
    assert address_of(address.url) == address


def test_what_is_shown_of_a_url_is_not_its_query() -> None:
    assert "secret" not in repr(address_of("https://a.test/x?signature=secret"))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "does not begin with http"),
        ("a.test/x.jpg", "does not begin with http"),
        ("//a.test/x.jpg", "does not begin with http"),
        ("file:///etc/passwd", "does not begin with http"),
        ("ftp://a.test/x.jpg", "does not begin with http"),
        ("gopher://a.test:70/_x", "does not begin with http"),
        ("data:image/png;base64,AAAA", "does not begin with http"),
        ("http:", "names no host"),
        ("http:///x.jpg", "names no host"),
        ("http:/a.test/x.jpg", "names no host"),
        ("http://.../x.jpg", "names no host"),
        ("http://[fe80::1%25eth0]/x.jpg", "names no host"),
        ("http://a%00b/x.jpg", "cannot be read"),
        ("http://a%c3%a9.test/x.jpg", "names no host"),
        ("http://a.test:99999/x.jpg", "cannot be read"),
        ("http://a.test:8o/x.jpg", "cannot be read"),
        ("http://[::1/x.jpg", "cannot be read"),
        ("http://" + "ü" * 80 + ".test/", "cannot be read"),
        ("http://a:b@c.test/x.jpg", "name or password"),
        ("http://a@c.test/x.jpg", "name or password"),
        ("http://c.test\\@d.test/x.jpg", "backslashes"),
        ("http://a.test/x y.jpg", "spaces"),
        ("http://a.test/\r\nX: y", "control characters"),
        (" http://a.test/", "spaces"),
        ("http://a.test/\u2028", "control characters"),
        ("http://a.test/\udcff", "control characters"),
        ("http://a.test/" + "x" * LONGEST, "more than 4,000"),
    ],
)
def test_a_url_that_is_no_plain_web_address_is_refused(url: str, reason: str) -> None:
    with pytest.raises(DownloadFailed, match=reason) as refused:
        address_of(url)
    assert "x.jpg" not in str(refused.value)


@pytest.mark.parametrize(
    "ip", ["93.184.215.14", "1.1.1.1", "2606:2800:21f:cb07::1", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e"]
)
def test_an_address_of_the_internet_is_public(ip: str) -> None:
    assert is_public(ip)


@pytest.mark.parametrize(
    "ip",
    [
        "0.0.0.0",  # noqa: S104
        "10.0.0.7",
        "100.100.100.200",  # shared, and a cloud's metadata
        "127.0.0.1",
        "127.255.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",  # once "compatible" to IPv4
        "::ffff:10.0.0.7",
        "::ffff:224.0.0.1",
        "64:ff9b::a00:7",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::5db8:d70e",  # a network's own translation
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
        "2001:db8::1",
        "2002:7f00:1::",  # 6to4
        "2002:5db8:d70e::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "5f00::1",
    ],
)
def test_an_address_of_anything_else_is_not(ip: str) -> None:
    assert not is_public(ip)


def test_private_hosts_are_listed_with_commas() -> None:
    assert hosts("") == frozenset()
    assert hosts(" Dam.intern,, [FD00::7]:8080 ,10.0.0.7,") == {"dam.intern", "[fd00::7]:8080", "10.0.0.7"}
