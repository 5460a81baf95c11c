"""Slack: socket mode in, Web API out (docs.slack.dev)."""
