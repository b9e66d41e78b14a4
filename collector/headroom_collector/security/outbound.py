"""Requests that leave: to addresses that were looked up once, checked, and then gone to."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], Awaitable[Sequence[str]]]

METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16")
)
"""Where clouds tell a machine its own secrets: AWS, GCP and others; AWS over IPv6; Alibaba; Azure."""
EMBEDDING = tuple(ipaddress.ip_network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48"))
"""NAT64 (RFC 6052, RFC 8215): the last four bytes are an IPv4 address."""


def inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if any(address in network for network in EMBEDDING):
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if int(address) >> 32 == 0 and int(address) > 0xFFFF:
            return ipaddress.IPv4Address(int(address))  # ::a.b.c.d, long out of use
    return address


def forbidden(text: str) -> str:
    """Return why nothing is sent to an address; empty where it may be: private ones may."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return "is no address"
    for one in (address, inner(address)):
        if one in METADATA:
            return "is where a cloud keeps secrets"
        if one.is_link_local:
            return "is link-local"
        if one.is_multicast or one.is_unspecified:
            return "is none of one machine"
        if isinstance(one, ipaddress.IPv4Address) and one.is_reserved:
            return "is reserved"
    return ""


def plain(url: str) -> bool:
    """Whether a URL sends in the clear to another machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        local = ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return parts.scheme == "http" and not local


async def look_up(host: str, port: int) -> list[str]:
    """Return the addresses of a name; raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Outbound(httpx.AsyncBaseTransport):
    """
    A transport for httpx that goes to checked addresses only.

    The name is looked up once, so that it cannot lead elsewhere between check and connection; it
    stays the name that the certificate is checked against.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport | None = None, lookup: Lookup = look_up
    ) -> None:
        self._inner = inner or httpx.AsyncHTTPTransport(trust_env=False)
        self._lookup = lookup

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; raises httpx.ConnectError where its address is refused."""
        host, scheme = request.url.host, request.url.scheme
        port = request.url.port or (443 if scheme == "https" else 80)
        try:
            addresses = await self._lookup(host, port)
        except (OSError, UnicodeError):
            raise httpx.ConnectError(f"{host}: the name cannot be resolved") from None
        for address in addresses:
            reason = forbidden(address)
            if reason:
                raise httpx.ConnectError(f"{host}: {address} {reason}: refused")
        last = httpx.ConnectError(f"{host}: has no address")
        for address in addresses:
            try:
                return await self._inner.handle_async_request(_aimed(request, address))
            except httpx.ConnectError as error:
                last = error
        raise last

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def _aimed(request: httpx.Request, address: str) -> httpx.Request:
    """Return the request for one address, which still names the host to the other side."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,  # with Host as it was
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )
