"""A chat platform that outlives the host: real TCP, events until acknowledged, idempotency keys on what is posted."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import asdict, define, field, fields_dict

Request = dict[str, Any]


@define
class Post:
    """Something the host put on the platform."""

    key: str
    text: str
    answers: str | None
    room: str
    thread: str | None = None
    files: list[list[str]] = field(factory=list[list[str]])
    """The name and the SHA-256 of each."""


@define
class FakePlatform:
    """Serves one connection at a time per thread, on loopback. Events carry numbers; asking past one acknowledges it.

    The host's two requests: `events` answers with the oldest event numbered above `after` as soon as there is one;
    `post` is done once per key and answers with the post's id. The test's own: `say`, `posts`, `reset`.
    """

    keyed: bool = True
    posts: list[Post] = field(factory=list[Post])
    calls: int = 0
    """Posts that were asked for, also those that a key made none of."""
    _events: list[dict[str, object]] = field(factory=list[dict[str, object]])
    _changed: threading.Condition = field(factory=threading.Condition, init=False)
    _closed: bool = field(default=False, init=False)
    _threads: list[threading.Thread] = field(factory=list[threading.Thread], init=False)
    _listener: socket.socket = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Stop listening, and hang up."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, connection)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rwb") as stream:
                for answer in self._answers(iter(stream)):
                    stream.write(json.dumps(answer).encode() + b"\n")
                    stream.flush()
        except (OSError, ValueError):
            pass  # the host died in mid-sentence: what it is here for

    def _answers(self, lines: Iterator[bytes]) -> Iterator[object]:
        requests = {
            "events": self._next_event,
            "post": self._post,
            "say": self._say,
            "posts": self._list_posts,
            "reset": self._reset,
        }
        for line in lines:
            request = json.loads(line)
            yield requests[request["op"]](request)

    def say(self, event: Request) -> None:
        """A person says something on the platform, or changes what they said."""
        with self._changed:
            self._events.append({**event, "number": len(self._events) + 1})
            self._changed.notify_all()

    def await_posts(self, enough: Callable[[Sequence[Post]], bool], seconds: float) -> bool:
        """Wait until what was posted is *enough*, for at most so long; is it?"""
        with self._changed:
            return self._changed.wait_for(lambda: enough(self.posts), seconds)

    def _say(self, request: Request) -> object:
        self.say({name: value for name, value in request.items() if name != "op"})
        return {}

    def _list_posts(self, _: Request) -> object:
        with self._changed:
            return {"posts": [asdict(post) for post in self.posts], "calls": self.calls}

    def _reset(self, _: Request) -> object:
        """Forget everything, as if the platform were new."""
        with self._changed:
            self._events.clear()
            self.posts.clear()
            self.calls = 0
            return {}

    def _next_event(self, request: Request) -> object:
        after = int(request["after"])
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._events) > after)
            if self._closed:
                raise ConnectionAbortedError("the platform is closed")
            return self._events[after]

    def _post(self, request: Request) -> object:
        with self._changed:
            self.calls += 1
            known = [post.key for post in self.posts]
            if not (self.keyed and request["key"] in known):
                self.posts.append(Post(**{name: request[name] for name in fields_dict(Post) if name in request}))
                self._changed.notify_all()
            return {"id": f"post-{request['key']}"}


class PlatformClient:
    """The test's own line to a platform in another process."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._stream = self._socket.makefile("rwb")

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._socket.close()

    def ask(self, **request: object) -> dict[str, Any]:
        """Make one of the test's requests."""
        self._stream.write(json.dumps(request).encode() + b"\n")
        self._stream.flush()
        answer: dict[str, Any] = json.loads(self._stream.readline())
        return answer


def main() -> None:
    """Be a platform until standard input ends; prints the port."""
    platform = FakePlatform()
    print(platform.port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
