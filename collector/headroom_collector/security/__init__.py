"""Who may speak with the collector: certificates, tokens, roles, and what was refused."""
