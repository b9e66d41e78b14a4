"""
A new key and a certificate request for it, printed in PEM; run as a process of its own.

So the agent carries no library for it: ``cryptography`` is used where it is installed, else the
openssl command, and what they need in memory goes with this process.
"""

import subprocess
import sys

OPENSSL_SECONDS = 20.0
SUBJECT = "headroom-agent"
"""The collector writes the name itself; what stands here counts for nothing."""


def by_library() -> bytes | None:
    """Return key and request; None where ``cryptography`` is not installed."""
    try:
        from cryptography import x509  # noqa: PLC0415 - an agent may have it or not
        from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - the same
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - the same
    except ImportError:
        return None
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, SUBJECT)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + request.public_bytes(serialization.Encoding.PEM)


def by_command() -> bytes:
    """Return key and request; raises OSError and subprocess.SubprocessError."""

    def openssl(*arguments: str, given: bytes = b"") -> bytes:
        return subprocess.run(  # noqa: S603 - the arguments are ours
            ["openssl", *arguments],  # noqa: S607 - wherever the system has it
            input=given,
            capture_output=True,
            check=True,
            timeout=OPENSSL_SECONDS,
        ).stdout

    key = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    subject = f"/CN={SUBJECT}"
    request = openssl(
        *("req", "-new", "-key", "/dev/stdin", "-subj", subject, "-config", "/dev/null"), given=key
    )
    return key + request


def main() -> int:
    """Print both; returns the exit status."""
    try:
        made = by_library() or by_command()
    except FileNotFoundError:
        sys.stderr.write("neither the openssl command nor Python's cryptography is installed\n")
        return 1
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", b"") or str(error).encode()
        sys.stderr.write(said.decode("utf-8", "replace").strip().partition("\n")[0] + "\n")
        return 1
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
