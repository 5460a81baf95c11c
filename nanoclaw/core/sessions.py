"""Which conversation does a message belong to? Pure."""

from __future__ import annotations

from nanoclaw.model.entities import SessionKey, SessionMode, Wiring


def effective_mode(mode: SessionMode, *, threaded: bool, is_group: bool) -> SessionMode:
    """How a chat is really divided: a group on a channel with threads goes by thread, unless it is agent-shared.

    A conversation of two keeps the wiring's mode: there, threads are no other company.
    """
    if mode is SessionMode.AGENT_SHARED:
        return mode
    return SessionMode.PER_THREAD if threaded and is_group else mode


def session_key(
    wiring: Wiring, *, thread_id: str | None, threaded: bool, is_group: bool, starts_thread: bool, wakes: bool
) -> SessionKey:
    """The conversation of *wiring*'s agent that a message belongs to.

    Args:
      wiring: Who hears it.
      thread_id: Its thread; ignored where the channel has none.
      threaded: Does the channel have threads?
      is_group: Is the chat a group?
      starts_thread: Does the message stand in the chat itself?
      wakes: Is it taken up? One that is only kept goes to the chat's context if it stands in the chat itself: its
        thread would be a conversation of nothing but it, and the thread that is engaged later would not see it.
    """
    mode = effective_mode(wiring.session_mode, threaded=threaded, is_group=is_group)
    if mode is SessionMode.AGENT_SHARED:
        return SessionKey(agent_group_id=wiring.agent_group_id, messaging_group_id=None, thread_id=None)
    in_thread = mode is SessionMode.PER_THREAD and threaded and not (starts_thread and not wakes)
    return SessionKey(
        agent_group_id=wiring.agent_group_id,
        messaging_group_id=wiring.messaging_group_id,
        thread_id=thread_id or None if in_thread else None,
    )
