"""What the demo provider says: the same words for the same prompt, always. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType
from typing import TypeAlias, assert_never

from attrs import evolve, frozen

from runner.core.items import Item, Message, Prompt, QuestionAnswered, SystemResponse, TaskDue, WebhookCall
from runner.core.prompt import UNKNOWN
from runner.providers.base import Activity, Event, ProviderError, Result, ToolEnded, ToolStarted, Trouble
from runner.providers.demo_tools import Use, send_file, tools_asked_for
from runner.providers.demo_trouble import Crash, Freeze, Limit, Pause, trouble
from runner.tools.base import Answer

MOST_MESSAGES = 20
LONGEST_WAIT = 3_600.0
SIGN_OF_LIFE = 1.0
"""Seconds between two signs of life while it waits."""
MOST_FILE = 64 << 20
"""Bytes of a file that can be asked for: more than may be sent, so that a refusal can be seen."""
SMALL_FILE = 2_000
MOST_PLAY = 200
"""Characters of a message that are played with."""

NOTHING_READ: Mapping[str, str] = MappingProxyType({})

_DEMO = re.compile(r"\Ademo:\s*", re.IGNORECASE)

HELP = """\
I am {agent}, and I am a demonstration: no model is behind me, nothing leaves this machine, and I cost nothing. What \
carried your words here and brings mine back is real, though, and it is what I am here to show.

This is nanoclaw. It connects chats to AI agents. Each conversation is a session, each session has a sandbox of its \
own, and host and sandbox share nothing but two small SQLite files: one that only the host writes, one that only the \
agent writes. Neither has to trust the other with anything else.

Your message took this way. The host made it durable before it told anybody that it had arrived, and showed it to me \
in the first file. I noticed within a millisecond or so and claimed it, then wrote my answer, the end of my claim and \
what I want to remember as one transaction into the second. The host copied those bytes, had a process that it can \
afford to lose read them, believed them no further than it had to, and put the answer into its ledger before it \
delivered it. Pull the plug anywhere on that way: when the machine is back, you get your answer, once.

Things to try:

- hello: a greeting
- say 3 ahoy: three messages for one; any number up to {most_messages}
- wait 5: an agent that works for five seconds, and shows that it is alive
- fail: an agent that fails, and how you are told
- send me a file: a small one; “file 5000” is one of so many bytes
- send it back: with a file of yours (“/file” and its path before the words), the same file again
- crash: an agent whose process dies in mid-turn; it is tried again, and at last you are told
- hang, freeze: a tool that never ends, and a process that stands still; both are noticed, and end the same way
- work 5: a tool that says how long it needs and shows nothing meanwhile; it is left alone
- limited 5: a provider that refuses for a while; the wait has a name
- schedule 2 tea: a task in two minutes; “schedule @daily tea” and “schedule 0 9 * * 1-5 tea” come again
- tasks: what is scheduled; `nanoclaw tasks list` shows it as well
- pause, resume or cancel task-…, update task-… coffee: what becomes of one
- ask me a question: answers to choose from, and I wait for yours
- ask a question of anyone: whoever comes first; “of Ada, Bob” are those two, “of admins” nobody else
- create an agent named Scout: another agent, if I may have one made; add “: ” and what it is for
- install apt=tree pip=tabulate for tables: packages in my image, if somebody lets me have them; “npm=” is a kind, too
- add mcp server clock: TZ=UTC python3 clock.py: a program that would give me tools, if somebody lets me
- use now of clock: the tool “now” of that program
- admin sessions list: what an operator sees, as far as I may; “admin help” lists it, options are “name=value”
- tell terminal ahoy: a message to the destination called “terminal”, at once; it may be another agent
- pass b c a: ahoy: the same to “b”, who is to pass it to “c”, and so on, round and round; see how that ends
- edit, react, card: a message that changes, a reaction to yours, a card
- help: this

Anything else I give back to you with a twist. With “demo: ” in front it is all the same.

In another terminal, `nanoclaw tree` shows what runs, `nanoclaw status` what there is, and `nanoclaw verify` proves \
that nothing was lost. To talk to a mind instead of a mirror, set another provider for this agent."""


@frozen
class MakeFile:
    """Make a file of *content* called *name*, and send it with *text* to whom it is *to*."""

    name: str
    content: bytes
    text: str
    to: str | None


@frozen
class Words:
    """Words, and the name of who they are for if it is known."""

    to: str | None
    text: str


@frozen
class Finish:
    """Say all words at once; *overheard*: so many messages were read that were not said to it."""

    overheard: int = 0


Step: TypeAlias = Event | Pause | Crash | Freeze | Limit | MakeFile | Use | Words | Finish


def script(
    prompt: Prompt, *, agent: str, turn: int, before: Sequence[Words] = (), read: Mapping[str, str] = NOTHING_READ
) -> list[Step]:
    """What to do about *prompt*.

    Args:
      prompt: What was said.
      agent: The name to go by.
      turn: How many turns the conversation has had, with this one.
      before: What was said last, in case it is to be said again with an address.
      read: What was seen of the files that came with the prompt: by path, their SHA-256 in hex.
    """
    if any(isinstance(item, SystemResponse) and item.action == "unaddressed" for item in prompt.items):
        return [Result(addressed(before))]
    steps: list[Step] = []
    here = next((_name(item.source) for item in prompt.items if isinstance(item, Message)), None)
    overheard = sum(isinstance(item, Message) and item.context for item in prompt.items)
    for item in prompt.items:
        if isinstance(item, Message) and item.context:
            continue
        if isinstance(item, SystemResponse) and item.action == "list_tasks":
            steps.append(Words(here, _inert(f"Scheduled: {item.text}")))
        if isinstance(item, SystemResponse) and item.action == "agent_mail_stopped" and here is not None:
            steps.append(Words(here, _inert(f"By the way, I was told: “{_short(item.text)}”.")))
        steps.extend(_respond(item, agent, turn, read))
    return [*steps, Finish(overheard)]


def after(use: Use, answer: Answer) -> list[Step]:
    """What to do once the tool of *use* has answered."""
    return [
        Words(use.to, _inert(part)) if isinstance(part, str) else evolve(part, to=use.to) for part in use.then(answer)
    ]


def finish(said: Sequence[Words], overheard: int, *, address: bool = False) -> Result:
    """The result that says all that was *said*; with *address*, to whom, also where it is one thing."""
    words = list(said)
    if overheard and words:
        words[-1] = evolve(words[-1], text=f"{words[-1].text} {_overheard(overheard)}")
    return Result(words[0].text if len(words) == 1 and not address else addressed(words))


def addressed(answers: Sequence[Words]) -> str:
    """*answers*, each in a block of its own; those for nobody in particular outside of all blocks."""
    return "\n".join(
        answer.text if answer.to is None else f'<message to="{answer.to}">{answer.text}</message>' for answer in answers
    )


def _overheard(messages: int) -> str:
    what = "a message that was" if messages == 1 else f"{messages} messages that were"
    return f"(I have also read {what} not said to me.)"


def _respond(item: Item, agent: str, turn: int, read: Mapping[str, str]) -> Iterator[Step]:
    match item:
        case Message():
            yield from _to_message(item, agent, turn, read)
        case TaskDue(prompt=prompt, source=source, data=data):
            found = "" if data is None else f" Its script says {_short(data)}."
            yield Words(_name(source), _inert(f"It is time for what you asked of me: “{_short(prompt)}”.{found}"))
        case WebhookCall(caller=caller, event=event, source=source):
            yield Words(_name(source), _inert(f"{_short(caller)} reports: {_short(event)}."))
        case SystemResponse(action="restarted", text=text):
            yield Words(None, _inert(f"I have been restarted, and was told: “{_short(text)}”."))
        case QuestionAnswered(question=question, label=label, source=source):
            yield Words(_name(source), _inert(f"You have answered “{_short(question)}” with “{_short(label)}”. Noted."))
        case SystemResponse():
            # Taken note of. It is not for people.
            return
        case _:
            assert_never(item)


def _to_message(message: Message, agent: str, turn: int, read: Mapping[str, str]) -> Iterator[Step]:
    to, said = _name(message.source), _DEMO.sub("", message.text.strip())
    back = bool(message.attachments) and _command(said) == "send it back"
    for file in message.attachments:
        got = f"I got {file.name} ({file.size} bytes, sha256 {read.get(file.path, 'unreadable')[:16]})."
        if back:
            yield evolve(send_file(file.path, file.name, f"{got} Here it is again.", to), to=to)
        else:
            yield Words(to, _inert(got))
    if size := _size_asked_for(said):
        yield _a_file(size, turn, to)
    elif uses := tools_asked_for(said, number=message.id, to=to, now=message.time):
        yield from (evolve(use, to=to) for use in uses)
    elif not back and (said or not message.attachments):
        for part in _chat(said, message.sender, agent, turn):
            yield Words(to, _inert(part)) if isinstance(part, str) else part


def _chat(text: str, sender: str, agent: str, turn: int) -> Iterator[Step | str]:
    command, _, rest = text.partition(" ")
    match command.lower().strip("!.,?"):
        case "hello" | "hi" | "hey":
            yield _greeting(text, sender, agent, turn)
        case "help" if not rest:
            yield HELP.format(agent=agent, most_messages=MOST_MESSAGES)
        case "fail" if not rest:
            yield ProviderError(message="the demo was asked to fail, and did", retryable=False, trouble=Trouble.REFUSED)
        case "say" if (said := re.fullmatch(r"(\d{1,4})\s+(\S.*)", rest, re.DOTALL)) and _in_range(said[1]):
            yield from (_numbered(number, said) for number in range(1, int(said[1]) + 1))
        case "wait" if re.fullmatch(r"\d{1,4}(\.\d{1,3})?", rest) and float(rest) <= LONGEST_WAIT:
            yield from _wait(float(rest))
            yield f"I waited {float(rest):g} s, as you asked."
        case _:
            yield from trouble(text) or [_twist(text)]


def _command(text: str) -> str:
    return text.lower().strip("!.,? ")


def _size_asked_for(text: str) -> int | None:
    """Bytes of the file that is asked for; None if none is, or one that is beyond all bounds."""
    if _command(text) == "send me a file":
        return SMALL_FILE
    asked = re.fullmatch(r"file (\d{1,9})", _command(text))
    return int(asked[1]) if asked and 0 < int(asked[1]) <= MOST_FILE else None


def _a_file(size: int, turn: int, to: str | None) -> MakeFile:
    """A file of *size* bytes that look random and are the same for the same turn."""
    content = hashlib.shake_256(f"turn {turn}".encode()).digest(size)
    digest = hashlib.sha256(content).hexdigest()
    return MakeFile("demo.bin", content, f"Here is demo.bin ({size} bytes, sha256 {digest[:16]}).", to)


def _in_range(digits: str) -> bool:
    return 1 <= int(digits) <= MOST_MESSAGES


def _numbered(number: int, said: re.Match[str]) -> str:
    return f"{said[2]} ({number} of {int(said[1])})"


def _wait(seconds: float) -> Iterator[Step]:
    yield ToolStarted("wait", "wait", timedelta(seconds=seconds))
    left = seconds
    while left > 0:
        yield Pause(min(left, SIGN_OF_LIFE))
        yield Activity()
        left -= SIGN_OF_LIFE
    yield ToolEnded("wait")


def _greeting(text: str, sender: str, agent: str, turn: int) -> str:
    again = "" if turn < 2 else f" This is turn {turn} of our conversation, and I remember that across restarts."
    return f"“{_short(text)}” to you too, {_short(sender)}! I am {agent}.{again} Say “help” to see what I am made of."


def _twist(text: str) -> str:
    """The text, and one of three plays on it. Which one depends on the text alone."""
    if not text:
        return "You said nothing at all, and I could not agree more."
    played = text[:MOST_PLAY]
    words = played.split()
    match len(text) % 3:
        case 0:
            twist = f"Backwards that is “{' '.join(reversed(words)) if len(words) > 1 else played[::-1]}”."
        case 1:
            loud = "".join(c.upper() if at % 2 else c.lower() for at, c in enumerate(played))
            twist = f"On a swing that is “{loud}”."
        case _:
            longest = max(words, key=len)
            twist = f"I count {len(words)} word{'' if len(words) == 1 else 's'}, and “{longest}” is the longest."
    return f"You said “{text}”. {twist}"


def _inert(text: str) -> str:
    """What people wrote must not become an address when it is said again."""
    return re.sub(r"<(?=/?(?:message|internal)\b)", "< ", text)


def _name(source: str | None) -> str | None:
    """The destination that *source* is; None for a place that cannot be addressed by name."""
    return None if source is None or source.startswith(UNKNOWN) else source


def _short(text: str) -> str:
    return text if len(text) <= MOST_PLAY else f"{text[: MOST_PLAY - 1]}…"
