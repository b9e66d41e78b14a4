"""Which management controllers are polled: a TOML file, read at the start."""

from dataclasses import dataclass, field
from pathlib import Path

from headroom_core.settings import SettingsError, load, read

KINDS = ("redfish", "ipmi")
PRIVILEGES = ("user", "operator", "administrator")


@dataclass(frozen=True, slots=True)
class Bmc:
    """
    One management controller.

    ``address`` is HOST, HOST:PORT or for Redfish https://HOST:PORT. The password is the first line
    of ``password_file``, which nobody but its owner may read. ``ca_file`` is what the controller's
    certificate is checked against (the system's authorities without it); ``verify = false`` checks
    nothing: whoever sits in between then reads the password. ``privilege`` is the level of an IPMI
    session; reading power needs no more than user, where a controller keeps to the standard.
    """

    kind: str
    address: str
    user: str
    password_file: Path
    ca_file: Path | None = None
    verify: bool = True
    privilege: str = "user"

    def __post_init__(self) -> None:
        """Refuse another kind or level; raises ValueError."""
        if self.kind not in KINDS:
            raise ValueError(f"kind = '{self.kind}': expected one of {', '.join(KINDS)}")
        if self.privilege not in PRIVILEGES:
            raise ValueError(
                f"privilege = '{self.privilege}': expected one of {', '.join(PRIVILEGES)}"
            )

    def password(self) -> str:
        """Read the password; raises SettingsError naming the file."""
        try:
            mode = self.password_file.stat().st_mode
            text = self.password_file.read_text(encoding="utf-8").split("\n", 1)[0]
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError([f"{self.password_file}: cannot be read: {error}"]) from None
        if mode & 0o077:
            raise SettingsError(
                [f"{self.password_file}: others may read it (mode {mode & 0o777:o}): chmod 600"]
            )
        return text


@dataclass(frozen=True, slots=True)
class Polling:
    """
    All controllers by host name, and how they are asked.

    ``interval_seconds`` between two readings of one, ``timeout_seconds`` for one reading whole;
    ``at_once`` bounds how many are asked at a time. One that fails is asked less and less often,
    down to once in ``slowest_seconds``, and only a quarter as many of those at a time.
    """

    bmcs: dict[str, Bmc] = field(default_factory=dict)
    interval_seconds: float = 60.0
    timeout_seconds: float = 10.0
    at_once: int = 256
    slowest_seconds: float = 600.0

    def __post_init__(self) -> None:
        """Refuse times and counts that are none; raises ValueError."""
        for name in ("interval_seconds", "timeout_seconds", "at_once", "slowest_seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} = {getattr(self, name)}: expected more than 0")

    @property
    def doubtful_at_once(self) -> int:
        """How many of those that failed are asked at a time."""
        return max(1, self.at_once // 4)


def load_polling(path: Path) -> Polling:
    """Read the file; raises SettingsError with one line a fault."""
    polling, unknown = read(Polling, load(path), str(path))
    if unknown:
        raise SettingsError(unknown)
    return polling
