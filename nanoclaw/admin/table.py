"""Every verb there is, once: the command line is made from this table, and the admin socket answers it."""

from __future__ import annotations

from nanoclaw.admin import (
    approvals,
    budgets,
    chats,
    dead,
    destinations,
    egress,
    explain,
    groups,
    mounts,
    records,
    restart,
    rights,
    secrets,
    session_acts,
    tasks,
    usage,
    users,
    wirings,
    withdraw,
)
from nanoclaw.admin.verb import Verb

VERBS: tuple[Verb, ...] = (
    *groups.VERBS,
    *restart.VERBS,
    *withdraw.VERBS,
    *mounts.VERBS,
    *egress.VERBS,
    *secrets.VERBS,
    *chats.VERBS,
    *wirings.VERBS,
    *users.VERBS,
    *rights.VERBS,
    *destinations.VERBS,
    *tasks.VERBS,
    *records.SESSIONS,
    *session_acts.VERBS,
    *records.DROPS,
    *approvals.VERBS,
    *usage.VERBS,
    *budgets.VERBS,
    *dead.VERBS,
    *explain.VERBS,
)
BY_NAME = {verb.name: verb for verb in VERBS}
RESOURCES = {
    "groups": "The agents, and what is set for each.",
    "mounts": "Folders of this machine that agents see.",
    "egress": "What the sandboxes of agents may reach besides their models.",
    "secrets": secrets.RESOURCE,
    "chats": "Where people talk, and what becomes of strangers there.",
    "wirings": "Which agent hears which chat, and how.",
    "users": "People, by what their platform vouches for.",
    "roles": "Who owns everything, and who manages agents.",
    "members": "Who may speak to an agent without managing it.",
    "destinations": "The names that an agent may write to.",
    "tasks": "What agents are to do at a time.",
    "sessions": "The conversations of agents, and their work: wake, stop, park it.",
    "usage": "What the models of agents took.",
    "budgets": "What agents may take of their models.",
    "drops": "What was not passed on, and why.",
    "dead": "Messages that failed for good.",
    "approvals": "What waits for a person.",
}
"""What each resource is, in the order of the help."""
