"""Typed, closed and frozen models, and one plain sentence for what does not fit them."""

import re
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

# pydantic puts the names of a union's branches among the keys of an error.
_BRANCH = re.compile(r"(list|tuple|dict|function-[a-z]+)\[.*\]", re.DOTALL)


class StrictModel(BaseModel):
    """A model that refuses unknown keys, NaN and infinity, and changes after it is made."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class HandWritten(StrictModel):
    """A strict model of what people write as YAML, where `yes` is true and pydantic would read true as 1."""

    @field_validator("*", mode="before")
    @classmethod
    def _truth_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        wanted = _types(cls.model_fields[info.field_name or ""].annotation)
        if wanted & {int, float} and not wanted & {bool, Any} and _holds_truth(value):
            raise PydanticCustomError("number_type", "a number is needed, not {given}", {"given": repr(value)[:60]})
        return value


def _types(annotation: Any) -> set[Any]:
    """The types that an annotation is made of, and Any."""
    if parts := get_args(annotation):
        return {one for part in parts for one in _types(part)}
    return {annotation} if isinstance(annotation, type) or annotation is Any else set()


def _holds_truth(value: Any) -> bool:
    """Whether a value is true or false, or holds one in lists and mappings."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return isinstance(value, bool) or any(map(_holds_truth, inner))


def first_problem(error: ValidationError) -> tuple[str, str]:
    """The first thing that does not fit: its key ('a.b.0', or '' for the whole), and a message in plain English.

    The message is a clause without a full stop, fit for ``f"'{key}' in {file} does not fit: {message}"``.
    """
    problems = error.errors()
    found = problems[0]
    branches = [place for place, part in enumerate(found["loc"]) if _BRANCH.fullmatch(str(part))]
    if branches:  # the error deepest in one branch
        same_place = [one for one in problems if one["loc"][: branches[0]] == found["loc"][: branches[0]]]
        found = max(same_place, key=lambda one: len(one["loc"]))
    location = [str(part) for part in found["loc"] if not _BRANCH.fullmatch(str(part))]
    return ".".join(location), _message(found["type"], found["msg"], found.get("ctx", {}), found["input"])


def _message(kind: str, text: str, context: dict[str, Any], value: Any) -> str:
    given = f"{value!r:.60}"
    entries = "entry is" if context.get("min_length") == 1 else "entries are"
    quotes = "; put it in quotes" if isinstance(value, bool | int | float | None) else ""
    plain: dict[str, str] = {
        "missing": "it is missing; add it",
        "extra_forbidden": "there is no such key; remove it or correct its spelling",
        "string_type": f"text is needed, not {given}{quotes}",
        "string_pattern_mismatch": f"{given} does not have the form {context.get('pattern')}",
        "string_too_short": f"at least {context.get('min_length')} characters are needed",
        "int_type": f"a whole number is needed, not {given}",
        "int_parsing": f"a whole number is needed, not {given}",
        "int_from_float": f"a whole number is needed, not {given}",
        "float_type": f"a number is needed, not {given}",
        "float_parsing": f"a number is needed, not {given}",
        "finite_number": f"a finite number is needed, not {given}",
        "bool_type": f"true or false is needed, not {given}",
        "bool_parsing": f"true or false is needed, not {given}",
        "list_type": f"a list is needed, not {given}",
        "tuple_type": f"a list is needed, not {given}",
        "dict_type": f"a mapping is needed, not {given}",
        "model_type": f"a mapping of keys is needed, not {given}",
        "model_attributes_type": f"a mapping of keys is needed, not {given}",
        "literal_error": f"{given} is none of {context.get('expected')}",
        "greater_than": f"it must be above {context.get('gt')}, not {given}",
        "greater_than_equal": f"it must be at least {context.get('ge')}, not {given}",
        "less_than": f"it must be below {context.get('lt')}, not {given}",
        "less_than_equal": f"it must be at most {context.get('le')}, not {given}",
        "too_short": f"at least {context.get('min_length')} {entries} needed, not {context.get('actual_length')}",
        "too_long": f"at most {context.get('max_length')} entries are allowed, not {context.get('actual_length')}",
        "json_invalid": f"it is not JSON ({context.get('error')})",
    }
    if kind in plain:
        return plain[kind]
    message = text.removeprefix("Value error, ").rstrip(".")
    return f"{message[:1].lower()}{message[1:]}"
