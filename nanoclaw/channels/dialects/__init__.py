"""What an agent writes, Markdown, in each platform's dialect: nothing in it calls everybody, or is unseen."""
