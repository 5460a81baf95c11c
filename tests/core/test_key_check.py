"""Who cannot think for want of a key is named, with the command that mends it, and nobody else is."""

from __future__ import annotations

import pytest

from nanoclaw.core.endpoints import ANTHROPIC
from nanoclaw.core.key_check import Thinker, without_key

LACKS = "Nano thinks with claude, and no key is set: nanoclaw secrets set anthropic"


@pytest.mark.parametrize(
    ("provider", "base_url", "origins", "said"),
    [
        ("demo", None, (), ()),
        ("claude", None, (ANTHROPIC,), ()),
        ("claude", None, (), (LACKS,)),
        ("claude", "https://api.anthropic.com/", (), (LACKS,)),
        ("claude", None, ("https://models.example",), (LACKS,)),
        ("claude", "http://localhost:11434", (), ()),
        ("claude", "models.example", (), ("Nano has no model: its address has to begin with http:// or https://",)),
        ("demo", "models.example", (), ()),
    ],
)
def test_who_lacks_a_key(provider: str, base_url: str | None, origins: tuple[str, ...], said: tuple[str, ...]) -> None:
    assert without_key([Thinker(name="Nano", provider=provider, base_url=base_url)], origins) == said
