"""The provider `claude`: claude-agent-sdk, and the command line that it drives."""
