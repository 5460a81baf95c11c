"""Names of hosts have one reading, whoever writes them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.host_names import BadHost, HostAddress, HostName, Place, read_host, read_place


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("example\u3002com", "example.com"),
        ("\uff45xample.com", "example.com"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("localhost.", "localhost"),
    ],
)
def test_two_ways_of_writing_a_name_are_one(said: str, read: str) -> None:
    assert read_host(said) == HostName(read)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1.", "192.0.2.1"),
        ("\uff11\uff19\uff12.0.2.1", "192.0.2.1"),
        ("::1", "::1"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
        ("[::ffff:127.0.0.1]", "::ffff:127.0.0.1"),
    ],
)
def test_an_address_is_an_address_in_whatever_letters(said: str, read: str) -> None:
    assert read_host(said) == HostAddress(ipaddress.ip_address(read))


@pytest.mark.parametrize(
    "said",
    [
        *("", ".", "a..b", "a.b..", "-", "-a.com", "a-.com", "a" * 64 + ".com", "a." * 130 + "com", "x" * 2000),
        *("a b", "a\tb", "a\x00.example.com", "example.com\x00.evil.org", "a\nb", "a\r\nb", "a\x7fb", "a\u200bb.com"),
        *("user@host", "host/path", "host\\path", "host?q", "host#f", "h%6fst", "fe80::1%eth0", "[fe80::1%251]"),
        *("127.1", "0x7f.1", "0x7f000001", "2130706433", "0177.0.0.1", "127.0.0.01", "0300.0250.1.1", "1.2.3.4.5"),
        *("256.1.1.1", "\u2460\u2461\u2466.1", "a.b.0x", "a.1", "[::1", "::1]", "[::1].com", "[127.0.0.1]", "1::2::3"),
        *("xn--\u00fc.com", "xn--a-ecp.ru-", "\u0308a.com", "a\ud800b"),
    ],
)
def test_what_two_programs_could_read_differently_is_refused(said: str) -> None:
    found = read_host(said)
    assert isinstance(found, BadHost)
    assert found.why.isascii()


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("example.com:443", Place(host=HostName("example.com"), port=443)),
        ("example.com", Place(host=HostName("example.com"), port=80)),
        ("[::1]:8443", Place(host=HostAddress(ipaddress.ip_address("::1")), port=8443)),
        ("[::1]", Place(host=HostAddress(ipaddress.ip_address("::1")), port=80)),
    ],
)
def test_a_place_is_a_host_and_a_port(said: str, read: Place) -> None:
    assert read_place(said, 80) == read
    again = read_place(read.authority)
    assert again == read


@pytest.mark.parametrize(
    "said", ["a:0", "a:65536", "a:", "a:-1", "a:+1", "a:1_0", "a:\u0661", "::1:443", ":80", "a:80:80", "a:080"]
)
def test_a_place_with_a_port_that_is_none_is_refused(said: str) -> None:
    assert isinstance(read_place(said, 80), BadHost)


def test_without_a_usual_port_one_has_to_be_said() -> None:
    assert isinstance(read_place("example.com"), BadHost)


@given(st.text(max_size=40) | st.from_regex(r"[a-zA-Z0-9.\-\[\]:xX]{1,40}", fullmatch=True))
def test_what_is_read_is_read_as_the_same_again_and_has_nothing_in_it_that_could_be_taken_for_more(text: str) -> None:
    found = read_host(text)
    if isinstance(found, BadHost):
        return
    said = str(found)
    assert read_host(said) == found
    assert said == said.lower()
    assert said.isascii()
    assert not set(said) & set("@/\\?#% \t\r\n\x00[]")
