"""``headroom-agent doctor``: what keeps an agent from working here, and what to do about it."""
