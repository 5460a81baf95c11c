"""The promises of nanoclaw.db that a query can check: each query finds what breaks one."""

from __future__ import annotations

from attrs import frozen

from nanoclaw.core.promises import Broken

REPAIR = "nanoclaw repair"


@frozen(kw_only=True)
class Rule:
    """A query that finds what should not be: its first column says where, a second what was found there."""

    broken: Broken
    sql: str
    mend: str = REPAIR


RULES = (
    Rule(
        broken=Broken.UNHEARD,
        sql="""
        SELECT id FROM events
         WHERE id NOT IN (SELECT event_id FROM inbound WHERE event_id IS NOT NULL)
           AND id NOT IN (SELECT event_id FROM drops WHERE event_id IS NOT NULL)
        """,
    ),
    Rule(
        broken=Broken.ORPHAN_CLAIM,
        sql="""
        SELECT i.id FROM inbound i JOIN epochs e ON e.session_id = i.session_id AND e.number = i.claimed_epoch
         WHERE e.ended_at IS NOT NULL
        """,
    ),
    Rule(
        broken=Broken.NUMBER_TWICE,
        sql="""
        SELECT session_id || ' #' || seq
          FROM (SELECT session_id, seq FROM inbound
                UNION ALL SELECT session_id, seq FROM ledger WHERE session_id IS NOT NULL)
         GROUP BY session_id, seq HAVING count(*) > 1
        """,
        mend="",
    ),
    Rule(
        broken=Broken.WRONG_SIDE,
        sql="""
        SELECT id FROM inbound WHERE seq % 2 <> 0
        UNION ALL SELECT id FROM ledger WHERE (epoch IS NULL) <> (seq % 2 = 0)
        """,
        mend="",
    ),
    Rule(
        broken=Broken.OUT_STATE,
        sql="""
        SELECT id, state || iif(settled_at IS NULL, ', not settled', ', settled') FROM ledger
         WHERE state NOT IN ('pending', 'sending', 'delivered', 'unknown', 'dead', 'rejected')
            OR (state IN ('pending', 'sending')) <> (settled_at IS NULL)
        """,
    ),
    Rule(
        broken=Broken.IN_STATE,
        sql="""
        SELECT id, status || iif(settled_at IS NULL, ', not settled', ', settled') FROM inbound
         WHERE (status IN ('pending', 'paused')) <> (settled_at IS NULL)
            OR (claimed_epoch IS NOT NULL AND status <> 'pending')
        """,
    ),
    Rule(
        broken=Broken.UNREADABLE_IN,
        sql="SELECT id FROM inbound WHERE status = 'pending' AND NOT json_valid(content)",
    ),
    Rule(
        broken=Broken.UNREADABLE_OUT,
        sql="SELECT id FROM ledger WHERE state IN ('pending', 'sending') AND NOT json_valid(content)",
    ),
    Rule(
        broken=Broken.PARTS,
        sql="""
        SELECT l.id FROM ledger l LEFT JOIN ledger_parts p ON p.ledger_id = l.id
         WHERE l.state IN ('pending', 'sending') GROUP BY l.id
        HAVING count(p.part) > 0 AND count(p.part) <> coalesce(l.parts, 0)
            OR count(p.part) = 0 AND l.parts > 1
            OR max(p.part) FILTER (WHERE p.arrived_at IS NOT NULL) > min(p.part) FILTER (WHERE p.arrived_at IS NULL)
        """,
    ),
    Rule(
        broken=Broken.UNPLANNED,
        sql="""
        SELECT id FROM tasks t WHERE state = 'active'
           AND NOT EXISTS (SELECT 1 FROM occurrences o WHERE o.task_id = t.id AND o.outcome IS NULL)
        """,
    ),
    Rule(
        broken=Broken.PLANNED_AFTER_ITS_END,
        sql="""
        SELECT t.id FROM tasks t JOIN occurrences o ON o.task_id = t.id
         WHERE t.state <> 'active' AND o.outcome IS NULL AND o.queued_at IS NULL
        """,
    ),
    Rule(
        broken=Broken.RUN_WITHOUT_END,
        sql="""
        SELECT i.id FROM occurrences o JOIN inbound i ON i.id = o.inbound_id
         WHERE o.outcome IS NULL AND i.status NOT IN ('pending', 'paused')
        """,
    ),
    Rule(
        broken=Broken.UNSEEN_QUESTION,
        sql="""
        SELECT q.id FROM questions q JOIN ledger l ON l.id = q.ledger_id
         WHERE q.state = 'open' AND l.state IN ('dead', 'rejected')
        """,
    ),
    Rule(
        broken=Broken.KEPT_AFTER_ITS_END,
        sql="""
        SELECT k.approval_id FROM kept_messages k JOIN approvals a ON a.id = k.approval_id
         WHERE a.state NOT IN ('pending', 'executing')
        """,
    ),
    Rule(
        broken=Broken.COUNTER_BEHIND,
        sql="""
        SELECT 'ticks', last FROM ticks
         WHERE last < coalesce((SELECT max(touched) FROM inbound), 0)
            OR last < coalesce((SELECT max(touched) FROM ledger), 0)
            OR last < coalesce((SELECT max(shown) FROM agent_groups), 0)
        """,
    ),
    Rule(
        broken=Broken.PROVIDER_STATE,
        sql="SELECT id FROM sessions WHERE NOT json_valid(provider_state)",
    ),
    Rule(
        broken=Broken.TWO_OPEN,
        sql="SELECT session_id FROM epochs WHERE ended_at IS NULL GROUP BY session_id HAVING count(*) > 1",
        mend="restore a backup",
    ),
)
