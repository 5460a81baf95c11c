"""What host and runner both obey: tables, rows, payloads, numbering, the names of files."""

LINK_VERSION = 2
"""`user_version` of inbound.db and outbound.db."""
