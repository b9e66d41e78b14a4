"""
Web configuration: TLS and passwords of the HTTP side.

The file has the format of Prometheus' exporter-toolkit (web.yml), of which this is the part that
such a server needs. It is read again whenever it changes; a new one that is wrong is said, and the
one before it stays.
"""

import difflib
import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

log = logging.getLogger(__name__)

VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
CLIENTS = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
HEADERS = (
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
)
"""Those that the format knows."""
BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")


class WebFileError(ValueError):
    """A web configuration that cannot be used; one line a fault."""


@dataclass(frozen=True, slots=True)
class TlsServer:
    """Certificate and key of the HTTP side, and what is asked of clients."""

    cert: Path
    key: Path
    client_ca: Path | None = None
    clients: ssl.VerifyMode = ssl.CERT_NONE
    least: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3

    def context(self) -> ssl.SSLContext:
        """Return what connections are made with; raises WebFileError."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.minimum_version, made.maximum_version = self.least, self.most
        made.set_alpn_protocols(["http/1.1"])
        try:
            made.load_cert_chain(self.cert, self.key, lambda: "")
            if self.client_ca is not None:
                made.load_verify_locations(self.client_ca)
        except ssl.SSLError:
            raise WebFileError(
                f"{self.cert} and {self.key}: are no PEM files that fit together"
                " (a key with a pass phrase cannot be read)"
            ) from None
        except OSError as error:
            names = ", ".join(str(path) for path in (self.cert, self.key, self.client_ca) if path)
            raise WebFileError(f"{names}: cannot be read: {error.strerror}") from None
        made.verify_mode = self.clients
        return made


@dataclass(frozen=True, slots=True)
class Web:
    """What a web configuration says. ``users``: bcrypt hashes by user name."""

    tls: TlsServer | None = None
    users: Mapping[str, bytes] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class _Table:
    """One table of the file; ``take`` what is known, then ``done`` refuses the rest."""

    def __init__(self, where: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise WebFileError(f"{where}: expected a table, found {value!r}"[:200])
        self._where, self._left, self._known = where, dict(value), []  # type: ignore[var-annotated]

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        self._known.append(key)
        value = self._left.pop(key, None)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise WebFileError(f"{self._where}: {key}: expected {kind.__name__}")
        return value

    def choice(self, key: str, choices: Mapping[str, Any], default: str) -> Any:
        text = self.take(key, str, default)
        if text not in choices:
            raise WebFileError(f"{self._where}: {key}: {text!r}: expected {', '.join(choices)}")
        return choices[text]

    def done(self) -> None:
        for key in self._left:
            near = difflib.get_close_matches(str(key), self._known, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(self._known)}"
            raise WebFileError(f"{self._where}: unknown key '{key}'{hint}")


def _tls(where: str, value: Any, folder: Path) -> TlsServer:
    table = _Table(f"{where}: tls_server_config", value)
    cert, key = table.take("cert_file", str), table.take("key_file", str)
    authority = table.take("client_ca_file", str)
    clients = table.choice("client_auth_type", CLIENTS, "NoClientCert")
    least = table.choice("min_version", VERSIONS, "TLS12")
    most = table.choice("max_version", VERSIONS, "TLS13")
    table.take("prefer_server_cipher_suites", bool)
    table.done()
    if not (cert and key):
        raise WebFileError(f"{where}: tls_server_config: expected cert_file and key_file")
    if (clients is ssl.CERT_NONE) != (authority is None):
        raise WebFileError(
            f"{where}: tls_server_config: client_ca_file and client_auth_type need each other"
        )
    made = TlsServer(
        folder / cert,
        folder / key,
        folder / authority if authority else None,
        clients,
        least,
        most,
    )
    made.context()
    return made


def _users(where: str, value: Any) -> dict[str, bytes]:
    users = {}
    if not isinstance(value, dict):
        raise WebFileError(f"{where}: basic_auth_users: expected a table of names and hashes")
    for name, text in value.items():
        # Neither here nor anywhere else is the text shown: it may be a password by mistake.
        if not (isinstance(text, str) and BCRYPT.fullmatch(text)):
            raise WebFileError(
                f"{where}: basic_auth_users: {name}: expected a bcrypt hash, such as"
                f" `htpasswd -nBC 10 {name}` prints behind the name"
            )
        users[str(name)] = text.encode()
    return users


def read_web(path: Path) -> Web:
    """Read a web configuration; raises WebFileError in one line."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise WebFileError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        raise WebFileError(f"{path}: is not valid YAML{line}") from None
    table = _Table(str(path), content)
    tls = table.take("tls_server_config", dict)
    http = _Table(f"{path}: http_server_config", table.take("http_server_config", dict, {}))
    users = table.take("basic_auth_users", dict, {})
    table.done()
    http.take("http2", bool)
    headers = http.take("headers", dict, {})
    http.done()
    for name, value in headers.items():
        if name not in HEADERS or not isinstance(value, str) or not value.isprintable():
            raise WebFileError(f"{path}: headers: {name!r}: expected {', '.join(HEADERS)}")
    return Web(
        _tls(str(path), tls, path.parent) if tls else None, _users(str(path), users), headers
    )


class WebFile:
    """
    The web configuration as it is now.

    ``current`` looks whether one of its files changed; safe from any thread.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._web = read_web(path) if path else Web()
        self._stamp = self._look()
        self._context = self._web.tls.context() if self._web.tls else None

    def _look(self) -> tuple[object, ...]:
        if self._path is None:
            return ()
        tls = self._web.tls
        files = [self._path, *((tls.cert, tls.key, tls.client_ca) if tls else ())]
        return tuple(_stamp(path) for path in files if path is not None)

    def current(self) -> Web:
        """Return what the file says now, or what it last said that could be used."""
        if self._path is None:
            return self._web
        stamp = self._look()
        if stamp != self._stamp:
            self._stamp = stamp
            try:
                self._take(self._path)
            except WebFileError as error:
                log.error("%s; what it said before stays in force", error)  # noqa: TRY400 - one line
        return self._web

    def _take(self, path: Path) -> None:
        web = read_web(path)
        if (web.tls is None) != (self._web.tls is None):
            raise WebFileError(f"{path}: TLS begins or ends with a restart only")
        self._context = web.tls.context() if web.tls else None
        self._web = web
        self._stamp = self._look()
        log.info("%s: read again", path)

    def context(self) -> ssl.SSLContext | None:
        """Return what connections begin with: each takes the certificate that is there then."""
        if self._context is None:
            return None

        def renew(link: ssl.SSLObject, _name: str, _old: ssl.SSLContext) -> None:
            self.current()
            if self._context is not None:
                link.context = self._context

        first = self._web.tls.context() if self._web.tls else self._context
        first.sni_callback = renew
        return first


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
