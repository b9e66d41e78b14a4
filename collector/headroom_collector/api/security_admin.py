"""Tokens, certificates and the deny list, for administrators."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path
from pydantic import BaseModel, ConfigDict, Field

from headroom_collector.api.services import Given, Services
from headroom_collector.api.times import Moment, moment, moment_or_none
from headroom_collector.roles import Role
from headroom_collector.security.access_tokens import AccessToken
from headroom_collector.security.enrol_tokens import LONGEST_SECONDS, EnrolToken
from headroom_collector.security.enrolment import NO_AUTHORITY
from headroom_collector.security.identity import Identity
from headroom_collector.security.ledger import Denial

router = APIRouter(prefix="/admin", tags=["administration"])

DAY_SECONDS = 86_400.0


class TokenIn(BaseModel):
    """What a token is to be good for."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, pattern=r"^[\w.@ -]+$")
    role: Role = Field(description="read, silence or admin")
    ttl_seconds: float | None = Field(default=None, gt=0, le=3650 * DAY_SECONDS)


class TokenOut(BaseModel):
    """A token, without what makes it one."""

    id: str
    name: str
    role: Role
    created: Moment
    expires: Moment | None
    revoked: Moment | None


class NewToken(TokenOut):
    """A token that was made just now."""

    token: str = Field(description="What the program presents; nothing shows it again")


def identity(services: Services) -> Identity:
    """Return the collector's identity; an application without one has no such routes."""
    if services.identity is None:
        raise HTTPException(404, "this collector keeps no tokens")
    return services.identity


def _out(token: AccessToken) -> dict[str, object]:
    return {
        "id": token.id,
        "name": token.name,
        "role": token.role,
        "created": moment(token.created),
        "expires": moment_or_none(token.expires),
        "revoked": moment_or_none(token.revoked),
    }


@router.get("/tokens")
def list_tokens(given: Given) -> list[TokenOut]:
    """Return every token that was made, without what makes it one."""
    return [TokenOut.model_validate(_out(token)) for token in identity(given).tokens.all()]


@router.post("/tokens")
async def create_token(given: Given, wish: TokenIn) -> NewToken:
    """Make a bearer token for a program. It is shown this once."""
    known = identity(given)
    text, token = await known.tokens.create(wish.name, wish.role, wish.ttl_seconds)
    known.audit.granted(
        "access-token", "admin", id=token.id, name=token.name, role=token.role.value
    )
    return NewToken.model_validate({**_out(token), "token": text})


@router.post("/tokens/{id_}/revoke")
async def revoke_token(given: Given, id_: Annotated[str, Path(max_length=40)]) -> TokenOut:
    """Let a token be good for nothing from now on."""
    known = identity(given)
    token = await known.tokens.revoke(id_)
    if token is None:
        raise HTTPException(404, f"no token {id_!r}; `headroom token list` has all")
    known.audit.granted("access-token-revoked", "admin", id=token.id, name=token.name)
    return TokenOut.model_validate(_out(token))


class EnrolIn(BaseModel):
    """For which host an enrolment token is to be good, and for how long."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(min_length=1, max_length=253, description="A name, or a pattern with * ?")
    ttl_seconds: float = Field(gt=0, le=LONGEST_SECONDS)


class EnrolOut(BaseModel):
    """An enrolment token, without what makes it one."""

    id: str
    host: str
    created: Moment
    expires: Moment
    used: Moment | None
    used_by: str | None


class NewEnrol(EnrolOut):
    """An enrolment token that was made just now."""

    token: str = Field(description="The file that the host enrols with; nothing shows it again")
    fingerprint: str = Field(description="Of the authority, to be compared on the host")


class DenyIn(BaseModel):
    """Who is to be let in no more."""

    model_config = ConfigDict(extra="forbid")

    what: Literal["host", "serial"]
    value: str = Field(min_length=1, max_length=253)
    reason: str = Field(default="", max_length=500)
    author: str = Field(default="", max_length=100)


class AllowIn(BaseModel):
    """Whose denial is taken back."""

    model_config = ConfigDict(extra="forbid")

    what: Literal["host", "serial"]
    value: str = Field(min_length=1, max_length=253)


class DenialOut(BaseModel):
    """A host or a certificate that is let in no more."""

    what: str
    value: str
    reason: str
    author: str
    since: Moment


class CertificateOut(BaseModel):
    """A certificate that was issued over the network."""

    serial: str
    host: str
    issued: Moment
    expires: Moment
    how: str = Field(description="enrol or renew")
    peer: str = Field(description="Address that asked")
    denied: str = Field(description="Why it is not let in; empty where it is")


def _enrol_out(token: EnrolToken) -> dict[str, object]:
    return {
        "id": token.id,
        "host": token.host,
        "created": moment(token.created),
        "expires": moment(token.expires),
        "used": moment_or_none(token.used),
        "used_by": token.used_by,
    }


@router.get("/enrol-tokens")
def list_enrol_tokens(given: Given) -> list[EnrolOut]:
    """Return the enrolment tokens of late, without what makes them so."""
    found = identity(given).enrol_tokens.all()
    return [EnrolOut.model_validate(_enrol_out(token)) for token in found]


@router.post("/enrol-tokens")
async def create_enrol_token(given: Given, wish: EnrolIn) -> NewEnrol:
    """Make an enrolment token for one host. It is shown this once."""
    known = identity(given)
    if known.issuer is None:
        raise HTTPException(409, NO_AUTHORITY)
    token, secret = await known.enrol_tokens.create(wish.host, wish.ttl_seconds)
    known.audit.granted("enrol-token", "admin", id=token.id, host=token.host)
    made = known.issuer.token_file(token, secret)
    more = {"token": made, "fingerprint": known.issuer.fingerprint()}
    return NewEnrol.model_validate({**_enrol_out(token), **more})


@router.get("/certificates")
def list_certificates(given: Given, host: str = "") -> list[CertificateOut]:
    """Return the certificates that were issued over the network and have not expired."""
    known = identity(given)
    return [
        CertificateOut(
            serial=one.serial,
            host=one.host,
            issued=moment(one.issued),
            expires=moment(one.expires),
            how=one.how,
            peer=one.peer,
            denied=known.ledger.denied(one.host, one.serial),
        )
        for one in known.ledger.certificates(host)
    ]


def _denial_out(denial: Denial) -> DenialOut:
    return DenialOut(
        what=denial.what,
        value=denial.value,
        reason=denial.reason,
        author=denial.author,
        since=moment(denial.since),
    )


@router.get("/denied")
def list_denied(given: Given) -> list[DenialOut]:
    """Return the deny list."""
    return [_denial_out(denial) for denial in identity(given).ledger.denials()]


@router.post("/denied")
async def deny(given: Given, wish: DenyIn) -> DenialOut:
    """Let a host, or one certificate, in no more; its streams end now."""
    known = identity(given)
    denial = await known.ledger.deny(wish.what, wish.value, wish.reason, wish.author)
    known.audit.granted(f"deny-{wish.what}", "admin", value=denial.value, reason=wish.reason)
    return _denial_out(denial)


@router.post("/denied/allow")
async def allow(given: Given, wish: AllowIn) -> dict[str, bool]:
    """Take a denial back."""
    known = identity(given)
    if not await known.ledger.allow(wish.what, wish.value):
        raise HTTPException(404, f"{wish.what} {wish.value!r} is not denied")
    known.audit.granted(f"allow-{wish.what}", "admin", value=wish.value)
    return {"allowed": True}
