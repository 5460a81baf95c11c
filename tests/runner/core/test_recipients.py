"""Who a tool writes to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.core.arguments import Refused
from runner.core.recipients import Place, Recipient, decide_recipient
from schema.rows import Destination, DestinationType
from tests.runner.link import destination

ROOM, FAMILY = destination("room"), destination("family")
TESTER = Destination(name="tester", display_name="Tester", type=DestinationType.AGENT, agent_group_id="ag-2")
LIST = "You can write to: family, room."


@pytest.mark.parametrize(
    ("to", "here", "known", "found"),
    [
        ("room", None, [ROOM, FAMILY], Recipient("room", "room")),
        ("room", ("c", "family"), [ROOM, FAMILY], Recipient("room", "room")),
        ("tester", None, [TESTER], Recipient("tester", "tester")),
        (None, ("c", "room"), [ROOM, FAMILY], Recipient(None, "room")),
        (None, ("agent", "ag-2"), [TESTER, ROOM], Recipient(None, "tester")),
        (None, ("c", "elsewhere"), [ROOM, FAMILY], Recipient(None, None)),
        (None, None, [ROOM], Recipient("room", "room")),
        (None, None, [ROOM, FAMILY], Refused(f"Say who it is for. {LIST}")),
        (None, None, [], Refused("There is nobody you may write to.")),
        ("x", ("c", "room"), [ROOM, FAMILY], Refused(f"There is no destination 'x'. {LIST}")),
        ("Room", None, [ROOM, FAMILY], Refused(f"There is no destination 'Room'. {LIST}")),
        ("x", None, [], Refused("There is no destination 'x'. There is nobody you may write to.")),
    ],
)
def test_a_name_or_the_place_that_is_answered_or_the_only_one(
    to: str | None, here: Place | None, known: list[Destination], found: Recipient | Refused
) -> None:
    assert decide_recipient(to, here, known) == found


NAMES = st.text(max_size=4)
KNOWN = st.lists(NAMES.map(destination), unique_by=lambda one: one.name, max_size=4)


@given(st.none() | NAMES, st.none() | st.tuples(st.just("c"), NAMES), KNOWN)
def test_nobody_is_written_to_who_is_not_known_or_answered(
    to: str | None, here: Place | None, known: list[Destination]
) -> None:
    found = decide_recipient(to, here, known)
    names = [one.name for one in known]
    if isinstance(found, Refused):
        assert to not in names
        assert all(name in found.why for name in names)
    elif found.destination is None:
        assert to is None
        assert here is not None
        assert found.name == (here[1] if here[1] in names else None)
        assert str(found)
    else:
        assert found.destination in names
        assert to in (None, found.destination)
