"""Who may call: API keys, sessions, scopes, and what a browser of another site may not send."""
