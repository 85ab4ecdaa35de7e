"""Fields: the types of which the models of all resources consist."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.expressions import LABELS
from records.sources.live_sources import MAX_NAME_LENGTH

MAX_PAGE: Final = 1000
PAGE: Final = 100


def _printable(text: str) -> str:
    """Refuse control characters, and halves of characters, which a database does not take."""
    if not text.isprintable():
        raise ValueError("control characters are not allowed")
    return text


Text = Annotated[str, AfterValidator(_printable)]
SourceName = Annotated[Text, Field(min_length=1, max_length=MAX_NAME_LENGTH, examples=["door"])]
Tag = Annotated[Text, Field(min_length=1, max_length=40, examples=["ground-floor"])]
Tags = Annotated[list[Tag], Field(max_length=20)]
Label = Annotated[str, Field(json_schema_extra={"enum": [*LABELS]})]
"""An expression, or `uncertain`."""


class Answer(BaseModel):
    """A part of an answer. Its fields have the names of the columns of exports."""

    model_config = ConfigDict(from_attributes=True)


class Body(BaseModel):
    """The body of a request. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


def example(**fields: Any) -> ConfigDict:
    """Return the configuration of a model with this example."""
    return ConfigDict(json_schema_extra={"examples": [fields]})
