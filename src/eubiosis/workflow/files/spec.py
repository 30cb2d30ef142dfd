"""Base of the schema of question.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from eubiosis.core.kinds import optional, text

Text = Annotated[str, BeforeValidator(text)]
OptionalText = Annotated[str | None, BeforeValidator(optional(text))]


class Section(BaseModel):
    """Base of the schema: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")
