"""AT-24 and AT-25: tries every way to the world that a program has, and every forgery at the proxy of the sandbox.

What is told: which tries got anywhere, and the status of each answer.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from functools import partial

from schema.files import PROXY_SOCKET, SANDBOX_GATEWAY
from tests.hostile.attacks.evil import attempt, report, words

SECONDS = 3.0
PORT = int(words()[0])
"""Where the test listens, on every address of the machine, by TCP and UDP."""
CANARY = words()[1].encode()
"""What stands in every packet that is made here."""
MACHINE = words()[2:]
"""Addresses of the machine, as it sees itself."""
LINKS = [name for _, name in socket.if_nameindex()]
"""What the sandbox has of them."""
PLACES = [
    *("127.0.0.1", "172.17.0.1", "169.254.169.254", "1.1.1.1", "10.0.0.1", "::1", "fd00:ec2::254", "fd00::1"),
    *("2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1", *MACHINE),
    *(f"{address}%{link}" for link in LINKS for address in ("fe80::1", *MACHINE) if address.startswith("fe80:")),
]
CROWDS = [
    *("255.255.255.255", "224.0.0.1", "224.0.0.251", "239.255.255.250"),
    *(f"{address}%{link}" for link in LINKS for address in ("ff02::1", "ff02::2", "ff02::fb", "ff05::1")),
]
KINDS = (socket.SOCK_RAW, socket.SOCK_DGRAM)
QUERY = b"".join(
    (
        b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00",
        bytes([len(CANARY)]) + CANARY,
        b"\x07example\x00\x00\x01\x00\x01",
    )
)
SERVERS = ("127.0.0.1", "127.0.0.11", "127.0.0.53", "8.8.8.8", "::1", "2001:4860:4860::8888", *MACHINE)
ECHOES = {
    socket.AF_INET: (socket.IPPROTO_ICMP, struct.pack("!BBHHH", 8, 0, 0xF7FF, 0, 0) + CANARY, "1.1.1.1"),
    socket.AF_INET6: (socket.IPPROTO_ICMPV6, struct.pack("!BBHHH", 128, 0, 0, 0, 0) + CANARY, "2606:4700:4700::1111"),
}
FORGED = [
    *("127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0x7f.1", "0177.0.0.1", "0"),
    *("2130706433", "127.1", "localhost", "localhost.", "LOCALHOST", "169.254.169.254", "[::ffff:a9fe:a9fe]"),
    *("[fe80::1]", "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::]", "[::127.0.0.1]", "[64:ff9b:1::7f00:1]", "[ff02::1]"),
    *("[2001:0:7f00:1::1]", "[fd00:ec2::254]", "10.0.0.1", "192.168.0.1", "100.64.0.1", "224.0.0.1", "255.255.255.255"),
    *("a@127.0.0.1", "a\x00.example", "", *(f"[{one}]" if ":" in one else one for one in MACHINE)),
]


def by_tcp(address: str) -> None:
    """Connect past the proxy."""
    with socket.create_connection((address, PORT), timeout=SECONDS):
        pass


def by_udp(address: str, port: int) -> None:
    """Say something, and wait for an answer."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(0.3)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        plain.sendto(
            QUERY, socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST)[0][4]
        )
        plain.recv(1)


def by_echo(kind: socket.SocketKind, family: socket.AddressFamily) -> None:
    """Ask whether somebody is there, and wait for an answer."""
    protocol, packet, address = ECHOES[family]
    with socket.socket(family, kind, protocol) as plain:
        plain.settimeout(0.3)
        plain.sendto(packet, (address, 0))
        plain.recv(1)


def by_raw() -> None:
    """Packets of one's own making."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as plain:
        plain.sendto(CANARY, ("1.1.1.1", 0))


def look_up(name: str) -> None:
    """Ask whoever looks names up in here."""
    socket.getaddrinfo(name, 80)


def ask(said: bytes) -> str:
    """The status of the proxy's answer."""
    with socket.socket(socket.AF_UNIX) as plain:
        plain.settimeout(20)
        plain.connect(f"{SANDBOX_GATEWAY}/{PROXY_SOCKET}")
        plain.sendall(said)
        heard = b""
        while b"\r\n" not in heard and (piece := plain.recv(4096)):
            heard += piece
        return heard.split(b" ")[1].decode() if heard else "closed"


tries: dict[str, Callable[[], object]] = {
    **{f"tcp {address}": partial(by_tcp, address) for address in PLACES},
    **{f"udp {address}": partial(by_udp, address, PORT) for address in (*PLACES, *CROWDS)},
    **{f"dns {address}": partial(by_udp, address, 53) for address in SERVERS},
    **{f"mdns {address}": partial(by_udp, address, 5353) for address in CROWDS},
    "dns": partial(look_up, f"{CANARY.decode()}.example"),
    **{f"{kind.name} {family.name}": partial(by_echo, kind, family) for family in ECHOES for kind in KINDS},
    "raw": by_raw,
    "packets": partial(socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 3),
}
came_of = {name: attempt(work) for name, work in tries.items()}
tunnels = {host: ask(f"CONNECT {host}:{PORT} HTTP/1.1\r\nhost: x\r\n\r\n".encode()) for host in FORGED}
plain = {host: ask(f"GET http://{host}:{PORT}/ HTTP/1.1\r\nhost: 8.8.8.8\r\n\r\n".encode()) for host in FORGED}
report(came_of=came_of, tunnels=tunnels, plain=plain)
