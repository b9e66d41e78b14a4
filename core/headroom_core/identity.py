"""
Names of hosts and how a certificate carries them.

A certificate names its host in exactly one URI SAN, ``headroom://estate/host/NAME``; the host's
label is taken from there and never from what the agent sends.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

PREFIX = "headroom://estate/host/"
ENROL_PREFIX = "headroom://estate/enrol/"
"""Of the certificate in an enrolment token: it names the token, no host, and can only enrol."""
COLLECTOR_NAME = "headroom-collector"
"""DNS SAN of the collector's certificate; agents check it whatever address they dial."""

# RFC 1123 host names, with the underscore that real estates have.
VALID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


class IdentityError(ValueError):
    """A certificate or a name that does not say which host it is for."""


def check_name(name: str) -> str:
    """Return ``name`` where it can name a host; raises IdentityError."""
    if not VALID.fullmatch(name):
        raise IdentityError(
            f"host name {name!r}: expected letters, digits, '.', '-' or '_', at most 253 of them"
        )
    return name


def uri_of(name: str) -> str:
    """Return the URI SAN for a host's certificate; raises IdentityError."""
    return PREFIX + quote(check_name(name), safe="")


def host_of(uris: Iterable[str]) -> str:
    """
    Return the one host that these URI SANs name; raises IdentityError for none or several.

    A URI SAN of another kind beside it is refused, too: two readings of one certificate are an
    attack or a mistake.
    """
    uris = list(uris)
    if len(uris) > 1:
        raise IdentityError(f"expected exactly one URI SAN {PREFIX}NAME, found {len(uris)}")
    names = [unquote(uri[len(PREFIX) :]) for uri in uris if uri.startswith(PREFIX)]
    if len(names) != 1:
        raise IdentityError(f"expected exactly one URI SAN {PREFIX}NAME, found {len(names)}")
    return check_name(names[0])


def enrolment_of(uris: Iterable[str]) -> str:
    """Return the token that these URI SANs name; raises IdentityError for none or several."""
    names = [uri[len(ENROL_PREFIX) :] for uri in uris if uri.startswith(ENROL_PREFIX)]
    if len(names) != 1 or not re.fullmatch(r"[0-9a-f]{12}", names[0]):
        raise IdentityError(f"expected exactly one URI SAN {ENROL_PREFIX}TOKEN")
    return names[0]
