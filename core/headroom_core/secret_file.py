"""Files that hold a secret: read with care for who else may read them."""

import stat
from pathlib import Path


class SecretError(OSError):
    """A secret that cannot be read; the text says which file and what to do."""


def read_secret(path: Path) -> str:
    """
    Return the secret in a file, without the line's end; raises SecretError.

    Others than its owner and its group's members must not be able to read it. systemd's own
    (LoadCredential=) are 0440 or 0400.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SecretError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"{path}: is no text") from None
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise SecretError(
            f"{path}: others may read it (mode {stat.S_IMODE(mode):04o}): chmod 600 {path}"
        )
    return text
