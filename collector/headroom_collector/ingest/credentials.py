"""The collector's TLS credentials, read again when their files change."""

import logging

import grpc

from headroom_collector.tls import Files

log = logging.getLogger(__name__)


class CredentialsError(Exception):
    """Certificate files that cannot be used; one line."""


Stamp = tuple[tuple[int, int, int], ...]


class _Watched:
    """Certificate files: gRPC asks for news of them with every new connection."""

    def __init__(self, files: Files) -> None:
        self._paths = (files.ca, files.cert, files.key)
        self._stamp = self._look()

    def _look(self) -> Stamp:
        found = [path.stat() for path in self._paths]
        return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)

    def read(self) -> grpc.ServerCertificateConfiguration:
        """Return what the files hold; raises OSError."""
        ca, cert, key = (path.read_bytes() for path in self._paths)
        return grpc.ssl_server_certificate_configuration([(key, cert)], ca)

    def fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """
        Return what the files hold where they changed; None where they did not.

        Certificate and key are two files: one that is read between two writes is refused by gRPC,
        which then goes on with the pair before, and the next connection looks again.
        """
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return None
            found = self.read()
        except OSError as error:
            text = "%s: cannot be read: %s; the certificate before stays"
            log.error(text, error.filename, error.strerror)  # noqa: TRY400 - one line
            return None
        self._stamp = stamp
        log.info("the certificates in %s changed; new connections get the new one", self._paths[1])
        return found


def renewed_credentials(files: Files) -> grpc.ServerCredentials:
    """Return mutual TLS with these files, as they are when a connection begins."""
    try:
        watched = _Watched(files)
        first = watched.read()
    except OSError as error:
        raise CredentialsError(f"{error.filename}: cannot be read: {error.strerror}") from None
    return grpc.dynamic_ssl_server_credentials(
        first,
        watched.fetch,  # type: ignore[arg-type]  # None is documented, the types leave it out
        require_client_authentication=True,
    )
