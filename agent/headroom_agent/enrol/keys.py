"""A new key with a request for its certificate, made by a process of its own."""

import subprocess
import sys

from headroom_agent.enrol.files import CertificateError, blocks, der

KEY_SECONDS = 60.0


def new_request() -> tuple[bytes, bytes]:
    """Return a new key in PEM and a certificate request for it in DER; raises CertificateError."""
    command = [sys.executable, "-P", "-m", "headroom_agent.enrol.request"]
    try:
        made = subprocess.run(  # noqa: S603 - this interpreter with a module of ours
            command, capture_output=True, check=True, timeout=KEY_SECONDS
        ).stdout
        key = blocks(made, "PRIVATE KEY", "EC PRIVATE KEY")[0]
        return key, der(blocks(made, "CERTIFICATE REQUEST")[0])
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise CertificateError(f"no key can be made: {said}; apt-get install openssl") from None
    except (OSError, subprocess.SubprocessError, IndexError, ValueError) as error:
        raise CertificateError(f"no key can be made: {type(error).__name__}: {error}") from None
