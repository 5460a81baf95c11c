"""What host and runner both obey: tables, rows, payloads, numbering, the names of files."""

LINK_VERSION = 1
"""`user_version` of inbound.db and outbound.db."""
