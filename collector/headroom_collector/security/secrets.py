"""Secrets that are shown once and kept as hashes."""

import hashlib
import hmac
import secrets

SECRET_BYTES = 32


def new_id() -> str:
    """Return a name for a token, short enough to read out."""
    return secrets.token_hex(6)


def new_secret() -> str:
    """Return a secret of 256 random bits as text."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hashed(secret: str) -> str:
    """Return what is kept of a secret. It is random, so that a plain hash tells nothing of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def same(secret: str, kept: str) -> bool:
    """Whether that is the secret whose hash was kept; takes as long for any other."""
    return hmac.compare_digest(hashed(secret), kept)
