"""Tokens of the HTTP side, for administrators."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path
from pydantic import BaseModel, ConfigDict, Field

from headroom_collector.api.services import Given, Services
from headroom_collector.api.times import Moment, moment, moment_or_none
from headroom_collector.roles import Role
from headroom_collector.security.access_tokens import AccessToken
from headroom_collector.security.identity import Identity

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
