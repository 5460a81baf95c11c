"""Which agents cannot think because nobody has set a key for their model. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from attrs import frozen

from nanoclaw.core.endpoints import ANTHROPIC, BadEndpoint, read_endpoint

CLAUDE = "claude"
"""The provider that asks a model over the gateway."""


@frozen(kw_only=True)
class Thinker:
    """An agent group, and what it thinks with."""

    name: str
    provider: str
    base_url: str | None


def without_key(thinkers: Iterable[Thinker], origins: Collection[str]) -> tuple[str, ...]:
    """A sentence for each that lacks a key, with the command that mends it.

    Places other than Anthropic's may need none, so nothing is said of them.

    Args:
      thinkers: Every agent group.
      origins: The places that keys are set for.
    """
    found = []
    for thinker in thinkers:
        endpoint = read_endpoint(thinker.base_url or ANTHROPIC)
        if thinker.provider != CLAUDE:
            continue
        if isinstance(endpoint, BadEndpoint):
            found.append(f"{thinker.name} has no model: its address {endpoint.why}")
        elif endpoint.origin == ANTHROPIC and ANTHROPIC not in origins:
            found.append(f"{thinker.name} thinks with claude, and no key is set: nanoclaw secrets set anthropic")
    return tuple(found)
