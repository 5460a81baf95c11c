"""Discord: gateway v10 in, REST v10 out (discord.com/developers/docs)."""
