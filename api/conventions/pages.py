"""Pages: the arguments and the form of every list."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from api.conventions.fields import MAX_PAGE, PAGE, Answer

Item = TypeVar("Item")


class PageArguments(BaseModel):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE, description="Most items of the page.")] = PAGE
    cursor: Annotated[
        str, Field(max_length=1024, description="`next` of the page before; empty for the first.")
    ] = ""


class Page(Answer, Generic[Item]):
    """A page of a list."""

    items: list[Item]
    next: str | None = Field(description="Cursor of the page after; `null` at the end.")
