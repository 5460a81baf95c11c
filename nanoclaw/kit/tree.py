"""What the console sees: every actor's place, state, restarts, last error, mail and doing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, TypeAlias

import trio
from attrs import define, field, frozen

from nanoclaw.kit.failures import one_line
from nanoclaw.kit.turns import in_turns

State: TypeAlias = Literal["starting", "running", "restarting", "parked", "stopping", "stopped"]


@frozen(kw_only=True)
class NodeView:
    """A picture of one node and all below it. `attrs.asdict` makes it JSON-friendly."""

    name: str
    kind: str
    state: State
    age: float
    """Seconds in this state."""
    restarts: int
    last_error: str | None
    mailbox: int | None
    """Letters unread; None for what has no mailbox."""
    doing: str
    signals: Mapping[str, str]
    """What is seen of what it looks after, by name, in words for people; empty if there is nothing of the kind."""
    children: tuple[NodeView, ...]


@define(eq=False)
class TreeNode:
    """One actor's place in the tree. Made inside `trio.run`; attached to *parent* at once.

    Whoever makes a node removes it. Only the task that owns the actor (and
    its supervisor) writes to it; anybody may look.
    """

    name: str
    parent: TreeNode | None = field(default=None, repr=False)
    kind: str = ""
    state: State = field(default="starting", init=False)
    since: float = field(factory=trio.current_time, init=False)
    """When the state was entered, on Trio's clock."""
    restarts: int = field(default=0, init=False)
    restarts_below: int = field(default=0, init=False)
    """Of this one and of all that ever was below it."""
    last_error: str | None = field(default=None, init=False)
    mailbox: Callable[[], Sequence[object]] | None = field(default=None, init=False, repr=False)
    """Says which letters are unread: `unread` of the actor's mailbox."""
    signals: Callable[[], Mapping[str, str]] = field(default=dict[str, str], init=False, repr=False)
    """Says what is seen of what it looks after, at the moment somebody asks."""
    owns: Callable[[], Mapping[str, str]] | None = field(default=None, init=False, repr=False)
    """Says what it has of this machine, by name, in words: files, a sandbox. Blocks: ask it on a thread, and seldom."""
    task: trio.lowlevel.Task | None = field(default=None, init=False, repr=False)
    """The task that keeps the actor alive; its own are below that."""
    _said: str = field(default="", init=False)
    _busy: dict[object, str] = field(factory=dict[object, str], init=False, repr=False)
    children: list[TreeNode] = field(factory=list["TreeNode"], init=False, repr=False)
    """The nodes below, in the order they were attached."""

    def __attrs_post_init__(self) -> None:
        """Attach the node, after its elder siblings."""
        if self.parent is not None:
            self.parent.children.append(self)

    @property
    def doing(self) -> str:
        """What it is doing now: the newest `busy` block still open, else what `set` said."""
        return next(reversed(self._busy.values()), self._said)

    def child(self, name: str, kind: str = "") -> TreeNode:
        """Make a node below this one."""
        return TreeNode(name, self, kind)

    def remove(self) -> None:
        """Take this node, and with it all below it, out of the tree. May be repeated."""
        if self.parent is not None and self in self.parent.children:
            self.parent.children.remove(self)

    def find(self, path: Sequence[str]) -> TreeNode | None:
        """The node at the end of a path of names from here; None: there is none. A name may be how only one begins."""
        if not path:
            return self
        there = [child for child in self.children if child.name == path[0]] or [
            child for child in self.children if child.name.startswith(path[0])
        ]
        return there[0].find(path[1:]) if len(there) == 1 else None

    def mail(self, above: str = "") -> Iterator[tuple[str, Sequence[object]]]:
        """The unread letters of every actor from here down that has a mailbox, each with its path from here."""
        path = f"{above}/{self.name}" if above else self.name
        if self.mailbox is not None:
            yield path, self.mailbox()
        for child in self.children:
            yield from child.mail(path)

    def clear(self) -> None:
        """Take out all nodes below this one: what a dead run left behind."""
        self.children.clear()

    def set(self, *, state: State | None = None, doing: str | None = None) -> None:
        """Note a new state or doing. A state that is not new keeps its age."""
        if state is not None and state != self.state:
            self.state = state
            self.since = trio.current_time()
        if doing is not None:
            self._said = doing

    def restarted(self) -> None:
        """Count a restart."""
        self.restarts += 1
        node: TreeNode | None = self
        while node is not None:
            node.restarts_below += 1
            node = node.parent

    def note_error(self, exc: BaseException) -> None:
        """Keep *exc* as the last error, on one line."""
        self.last_error = one_line(exc)

    @contextmanager
    def busy(self, doing: str) -> Generator[None]:
        """Show *doing* for the length of the block. Blocks may nest, and overlap between tasks."""
        block = object()
        self._busy[block] = doing
        try:
            yield
        finally:
            del self._busy[block]

    def snapshot(self, now: float) -> NodeView:
        """A picture of this node and all below it at *now* on Trio's clock."""
        return self._picture(now, tuple(child.snapshot(now) for child in self.children))

    async def snapshot_in_turns(self) -> NodeView:
        """The same, of a tree of any size: each node as it is when its turn has come, and others run in between.

        Cancellation: a checkpoint after every few nodes.
        """
        below = [await child.snapshot_in_turns() async for child in in_turns(self.children)]
        return self._picture(trio.current_time(), tuple(below))

    def _picture(self, now: float, children: tuple[NodeView, ...]) -> NodeView:
        return NodeView(
            name=self.name,
            kind=self.kind,
            state=self.state,
            age=now - self.since,
            restarts=self.restarts,
            last_error=self.last_error,
            mailbox=None if self.mailbox is None else len(self.mailbox()),
            doing=self.doing,
            signals=self.signals(),
            children=children,
        )
