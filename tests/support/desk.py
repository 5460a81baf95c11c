"""The operator's desk: verbs of the command line, run on a world as the admin socket runs them."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, field

from nanoclaw.admin.performing import perform
from nanoclaw.admin.table import BY_NAME
from nanoclaw.admin.verb import Answer, Line, Request
from nanoclaw.core.mounts import CheckMounts
from nanoclaw.model.ids import ChannelName
from schema.sqlite import transaction
from tests.support.central import CHANNEL, World

OPERATOR_NAME = "operator"
SLACK = ChannelName("slack")
"""A channel with threads."""


@define(eq=False)
class Desk:
    """A world, and whoever looks after it."""

    world: World = field(factory=World)
    check_mounts: CheckMounts = lambda *_: ()

    def request(self, *, confirmed: bool = True) -> Request:
        """What a verb is given of the host."""
        return Request(
            now=self.world.now,
            mint=self.world.mint,
            operator=self.world.user(OPERATOR_NAME),
            threaded={CHANNEL: False, SLACK: True},
            check_mounts=self.check_mounts,
            confirmed=confirmed,
        )

    def do(self, name: str, /, **arguments: object) -> Answer:
        """Run the verb of that name; whoever asks means it."""
        return self.ask(name, arguments, confirmed=True)

    def ask(self, name: str, arguments: Mapping[str, object], *, confirmed: bool = False) -> Answer:
        """Run the verb of that name."""
        verb = BY_NAME[name]
        request = self.request(confirmed=confirmed)
        with transaction(self.world.conn):
            return perform(self.world.conn, verb, arguments, request)

    def one(self, name: str, /, **arguments: object) -> Line:
        """The one row that the verb of that name answers with."""
        (row,) = self.do(name, **arguments).rows
        return row
