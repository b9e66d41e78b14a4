"""Secrets that are shown once and kept as hashes, and files that hold secrets."""

import hashlib
import hmac
import secrets
import stat
from pathlib import Path

SECRET_BYTES = 32


class SecretError(Exception):
    """A secret that cannot be read; the text says which file and what to do."""


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


def read_secret(path: Path) -> str:
    """
    Return the secret in a file, without the line's end; raises SecretError.

    Others than its owner and its group's members must not be able to read it. systemd's own
    (LoadCredential=) are 0440 or 0400.
    """
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXO | stat.S_IWGRP):
            raise SecretError(
                f"{path}: others may read it (mode {stat.S_IMODE(mode):04o}): chmod 600 {path}"
            )
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"{path}: is no text") from None
