"""The host: one process that owns everything outside the sandboxes."""
