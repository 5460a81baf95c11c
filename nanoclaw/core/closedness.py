"""Is a sandbox closed? What a program inside of it says of its own attempts to get out, judged. Pure."""

from __future__ import annotations

from attrs import frozen

from schema.strict_json import JsonError, read

REFUSALS = frozenset({"400", "403"})
"""What the gateway answers to a request that it lets nowhere."""
ONLY = frozenset({"lo"})
OWN = frozenset({"eth0"})
"""The interface to a network of its own, where there has to be one."""


@frozen
class Closed:
    """Every attempt was refused; *tried* is how many there were."""

    tried: int


@frozen
class Ajar:
    """Something got out, or may have; each is half a sentence for people."""

    ways: tuple[str, ...]


@frozen
class Unclear:
    """Nothing is known, which is not closed."""

    why: str


def judge_tries(said: str, heard: int, *, own_network: bool = False) -> Closed | Ajar | Unclear:
    """What the report of a program inside comes to.

    Args:
      said: One JSON object: `links`, the names of its network interfaces; `tcp` and `dns`, what came of connections
        and of look-ups past the gateway, by what was tried (`done`, or the error); `proxy`, the status that the
        gateway's proxy answered, by what was asked of it.
      heard: How often somebody on this machine heard from it who listened there.
      own_network: Does it reach its gateway over a network of its own?
    """
    expected = ONLY | OWN if own_network else ONLY
    try:
        report = read(said)
    except JsonError:
        return Unclear("the program inside said nothing that makes sense")
    match report:
        case {"links": list(links), "tcp": dict(tcp), "dns": dict(dns), "proxy": dict(proxy)} if tcp and dns and proxy:
            ways = [
                *(f"it has a network: {name}" for name in map(str, links) if name not in expected),
                *(f"a connection to {place} came about" for place, end in tcp.items() if end == "done"),
                *(f"{what} was looked up" for what, end in dns.items() if end == "done"),
                *(f"the proxy answers {end} for {place}" for place, end in proxy.items() if end not in REFUSALS),
                *([f"{heard} of its packets came to this machine"] if heard else []),
            ]
            return Ajar(tuple(ways)) if ways else Closed(len(tcp) + len(dns) + len(proxy))
        case _:
            return Unclear("the program inside did not try everything")
