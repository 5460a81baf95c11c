"""Telegram: the Bot API by long polling; topics are threads."""
