"""The routes by which admins manage the tokens of programs: list, make and revoke them."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from dashboard.web.json_values import json_values
from records.users.api_tokens import add_token, list_tokens, revoke_token
from records.users.roles import TokenScope
from serving.access import Role, require_role
from serving.backend import Backend

_Name = Annotated[str, Field(max_length=64)]


class TokenName(BaseModel):
    """A token."""

    name: _Name


class NewToken(TokenName):
    """A token to make. sources: [] for all. days: None: no limit."""

    scope: TokenScope = TokenScope.READ
    sources: Annotated[list[_Name], Field(max_length=100)] = []
    days: Annotated[int, Field(ge=1, le=3650)] | None = None


def token_routes(backend: Backend) -> APIRouter:
    """Return GET tokens, and POST tokens and tokens/revoke."""
    router = APIRouter()
    engine = backend.engine

    @router.get("/tokens")
    def tokens() -> dict[str, Any]:
        require_role(Role.ADMIN)
        return {"tokens": json_values(list_tokens(engine))}

    @router.post("/tokens")
    def add(asked: NewToken) -> dict[str, str]:
        actor = require_role(Role.ADMIN).actor
        lifetime = None if asked.days is None else timedelta(days=asked.days)
        token = add_token(
            engine,
            asked.name,
            asked.scope,
            sources=asked.sources or None,
            lifetime=lifetime,
            actor=actor,
        )
        return {"token": token}

    @router.post("/tokens/revoke")
    def revoke(asked: TokenName) -> dict[str, bool]:
        revoke_token(engine, asked.name, actor=require_role(Role.ADMIN).actor)
        return {"revoked": True}

    return router
