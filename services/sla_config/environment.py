"""Which environment variable sets a setting."""

from __future__ import annotations

from pydantic import BaseModel


def variable_of(model: type[BaseModel], name: str) -> str:
    """The variable of the field ``name``: the prefix of ``model`` and the name, unless the field
    sets its own variable. The bare name if ``model`` is not read from the environment.
    """
    field = model.model_fields.get(name)
    if field is None or isinstance(field.validation_alias, str):
        # Its own variable, or the name is that variable already, as in the errors of pydantic.
        return name if field is None else str(field.validation_alias)
    prefix = str(model.model_config.get("env_prefix", ""))
    return f"{prefix}{name.upper()}" if prefix else name
