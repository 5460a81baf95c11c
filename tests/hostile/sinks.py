"""Who waits for what gets out of a sandbox: listeners on every address of this machine, and a look at every interface.

The look sees packets for other machines as well. It needs a right that not every user has; listeners need none.
"""

from __future__ import annotations

import array
import fcntl
import ipaddress
import random
import secrets
import select
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from attrs import define, field

TRIES = 100
EVERYWHERE = {socket.AF_INET: str(socket.inet_ntoa(bytes(4))), socket.AF_INET6: "::"}
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
NAMES = 53
"""The port for names."""
SECONDS = 10.0
_EVERY_KIND = 3
_ROOM = 8 << 20
_ADDRESS_OF = 0x8915
"""SIOCGIFADDR."""
_WITH_PORTS = frozenset({socket.IPPROTO_TCP, socket.IPPROTO_UDP})


@define(eq=False)
class Sinks:
    """What has come."""

    port: int
    """Of every listener but those for names."""
    canary: bytes
    """Stands in every packet that an attack makes itself, and in nothing that anybody else on this machine says."""
    families: Sequence[socket.AddressFamily]
    """Those that this machine has."""
    _listening: Sequence[socket.socket]
    _look: _Look | None

    def reached(self) -> list[str]:
        """Which of the listeners somebody has reached, and what was seen."""
        ready, _, _ = select.select(self._listening, [], [], 0)
        heard = [str(one.getsockname()) for one in ready if self._is_meant(one)]
        return heard if self._look is None else [*heard, *(packet.hex() for packet in self._look.seen)]

    def prove(self) -> None:
        """See that each of them hears, by what it would hear of a sandbox."""
        for family in self.families:
            with socket.socket(family, socket.SOCK_DGRAM) as plain:
                plain.sendto(self.canary, (LOOPBACK[family], self.port))
            with socket.socket(family, socket.SOCK_STREAM) as plain:
                plain.settimeout(SECONDS)
                plain.connect((LOOPBACK[family], self.port))
        meant = [one for one in self._listening if one.getsockname()[1] == self.port]
        for one in meant:
            assert select.select([one], [], [], SECONDS)[0], f"{one} hears nothing"
        assert self._look is None or self._look.news.wait(SECONDS), "nothing is seen on loopback"

    def _is_meant(self, one: socket.socket) -> bool:
        # Anybody on this machine may take it for one who knows names.
        return bool(one.getsockname()[1] == self.port) or self.canary in one.recv(1 << 16)


@define(eq=False)
class _Look:
    """Looks at every packet on every interface of the machine."""

    _packets: socket.socket
    _port: int
    _canary: bytes
    seen: list[bytes] = field(factory=list[bytes])
    news: threading.Event = field(factory=threading.Event)
    over: threading.Event = field(factory=threading.Event)

    def run(self) -> None:
        """Until it is over."""
        while not self.over.is_set():
            with suppress(TimeoutError):
                packet = self._packets.recv(1 << 16)
                if self._canary in packet or port_of(packet) == self._port:
                    self.seen.append(packet)
                    self.news.set()


@contextmanager
def sinks() -> Iterator[Sinks]:
    """Listen by TCP and UDP, for IPv4 and IPv6, on one port and on that for names, for the length of the block."""
    with ExitStack() as held:
        families = [family for family in EVERYWHERE if _is_here(family)]
        port, listening = _listeners(held, families)
        for family in families:
            # Not everybody may, and another may do so already.
            with suppress(OSError):
                listening.append(held.enter_context(_listener(family, socket.SOCK_DGRAM, NAMES)))
        canary = b"quince-" + secrets.token_hex(8).encode()
        yield Sinks(port, canary, families, listening, held.enter_context(_looking(port, canary)))


def _listeners(held: ExitStack, families: Sequence[socket.AddressFamily]) -> tuple[int, list[socket.socket]]:
    """A port at which nobody else listens, and those who do; *held* closes them.

    Where there are others, none that the kernel gives to whoever asks for any: no answer to anybody comes there.
    """
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split())
    others = [*range(10_000, first), *range(last + 1, 1 << 16)] or range(10_000, 1 << 16)
    kinds = [(family, kind) for family in families for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]
    for _ in range(TRIES):
        port = random.choice(others)
        with ExitStack() as tried:
            try:
                listening = [tried.enter_context(_listener(family, kind, port)) for family, kind in kinds]
            except OSError:
                continue
            held.enter_context(tried.pop_all())
            return port, listening
    raise RuntimeError(f"somebody listens at each of {TRIES} ports")


@contextmanager
def _looking(port: int, canary: bytes) -> Iterator[_Look | None]:
    try:
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_EVERY_KIND))
    except PermissionError:
        yield None
        return
    with packets:
        packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        packets.settimeout(0.1)
        look = _Look(packets, port, canary)
        thread = threading.Thread(target=look.run)
        thread.start()
        try:
            yield look
        finally:
            look.over.set()
            thread.join()


def addresses() -> list[str]:
    """Every one that this machine has, but loopback's; those of a link without its name."""
    found = list[str]()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        for _, name in socket.if_nameindex():
            asked = array.array("B", struct.pack("256s", name.encode()))
            with suppress(OSError):
                fcntl.ioctl(plain, _ADDRESS_OF, asked)
                found.append(socket.inet_ntoa(asked[20:24].tobytes()))
    with suppress(FileNotFoundError):
        lines = Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines()
        found += (str(ipaddress.IPv6Address(int(line.split()[0], 16))) for line in lines)
    return [one for one in dict.fromkeys(found) if not ipaddress.ip_address(one).is_loopback]


def port_of(packet: bytes) -> int | None:
    """Which port a packet is for; None: it has none that is seen at once."""
    version = packet[0] >> 4 if packet else 0
    if version == 4:
        kind, start = packet[9], (packet[0] & 0xF) * 4
    elif version == 6:
        kind, start = packet[6], 40
    else:
        return None
    return int.from_bytes(packet[start + 2 : start + 4]) if kind in _WITH_PORTS else None


def _listener(family: socket.AddressFamily, kind: socket.SocketKind, port: int) -> socket.socket:
    """Raises `OSError`."""
    plain = socket.socket(family, kind)
    try:
        if family is socket.AF_INET6:
            plain.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        plain.bind((EVERYWHERE[family], port))
        if kind is socket.SOCK_STREAM:
            plain.listen()
        else:
            plain.setblocking(False)
    except OSError:
        plain.close()
        raise
    return plain


def _is_here(family: socket.AddressFamily) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as plain:
            plain.bind((LOOPBACK[family], 0))
    except OSError:
        return False
    return True
