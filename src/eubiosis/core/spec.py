"""Domain objects that guard themselves: frozen, closed, and right when they are made.

A ``Spec`` is made from Python or from the content of a file by the same rules. Whatever is wrong with it, in
its fields and between them, comes at once as a ``FindingsError`` that says where, what, what is allowed and
what to do next. Bounds stand in the fields, so that ``json_schema`` shows them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, ClassVar, Self, TypeAlias, TypeVar, get_args, get_origin

import numpy as np
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails, PydanticCustomError

from eubiosis.core.findings import Finding, FindingsError, unknown_word
from eubiosis.core.kinds import plain, shown
from eubiosis.core.place import Place, path_text
from eubiosis.core.tables import RowProblem

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | float | bool | None"
JsonSchema: TypeAlias = Mapping[str, Json]
_HOUSE = "house"


@dataclass(frozen=True)
class Problem:
    """What is wrong at a place inside a domain object, what is allowed there, and the next step.

    "{path}" in the next step stands for the whole path of the place. ``severity`` as in ``Finding``.
    """

    place: Place
    problem: str
    allowed: str = ""
    next_step: str = ""
    severity: str = "error"

    def finding(self, file: str, line: int = 0) -> Finding:
        """Return the finding, on a line of a file or, without one, in an object of Python."""
        path = path_text(self.place)
        where = ", ".join(part for part in (f"line {line}" if line else "", path) if part)
        next_step = self.next_step.replace("{path}", path)
        return Finding(file, where, self.problem, self.allowed, next_step, line, self.severity)


class Absent:
    """What stands for a value that is wrong itself, so that a rule can pass over it."""


Good: TypeAlias = Mapping[str, object]
Rule = Callable[..., Iterator[Problem]]
RuleT = TypeVar("RuleT", bound=Rule)


def rule(*needs: str) -> Callable[[RuleT], RuleT]:
    """Mark a method of a ``Spec``, under ``@staticmethod``, as a rule between its fields.

    The rule takes the values of the fields that it needs, in order, and yields a ``Problem`` for each fault.
    It runs where all of them are right. A nested object that is wrong itself reaches it with its right fields
    only: ask with ``of(object, "field")``.
    """

    def mark(function: RuleT) -> RuleT:
        function.needs = needs  # type: ignore[attr-defined]
        return function

    return mark


def of(item: object, name: str) -> object | None:
    """Return a field of a nested object, or None where that field is wrong or absent."""
    return getattr(item, name, None)


class _SpecMeta(ModelMetaclass):
    """Turns what pydantic raises into the house's findings where a user calls the class."""

    if not TYPE_CHECKING:

        def __call__(cls, /, *args, **fields):
            if args:
                message = f"{cls.__name__} takes its fields by name"
                raise TypeError(message)
            try:
                return super().__call__(**fields)
            except ValidationError as error:
                raise FindingsError(p.finding(cls.__name__) for p in problems_of(error)) from None


class Spec(BaseModel, metaclass=_SpecMeta):
    """Base of the domain objects. Making one raises ``FindingsError`` with everything that is wrong."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, defer_build=True)
    _rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        own = [value for value in vars(cls).values() if isinstance(value, staticmethod)]
        marked = tuple(f.__func__ for f in own if hasattr(f.__func__, "needs"))
        cls._rules = (*cls._rules, *marked)

    @classmethod
    def filled(cls, content: Mapping[str, object]) -> Mapping[str, object]:
        """Return the content with the defaults that depend on other fields; a subclass overrides it."""
        return content

    @classmethod
    def problems(cls, content: object) -> list[Problem]:
        """Return everything that is wrong with a content; empty where it can be made."""
        try:
            cls.model_validate(content)
        except ValidationError as error:
            return problems_of(error)
        return []

    def changed(self, **fields: object) -> Self:
        """Return the same object with other values in some fields, filled in and checked like a new one."""
        cls = type(self)
        current = {name: getattr(self, name) for name in cls.model_fields}
        content = _prepared(cls, {**current, **fields})
        found: list[Problem] = []
        values: dict[str, object] = {}
        for name in fields:
            if name not in cls.model_fields:
                found.append(_unknown_key(cls, (name,)))
                continue
            try:
                values[name] = _adapter(cls, name).validate_python(content[name])
            except ValidationError as error:
                named = (replace(each, place=(name, *each.place)) for each in _line_errors(error))
                found += [_translated(cls, each) for each in named]
        made = self.model_copy(update=values)
        made.model_post_init(None)
        good = {
            name: getattr(made, name) for name in cls.model_fields if name not in fields or name in values
        }
        found += cls._broken_rules(good)
        if found:
            raise FindingsError(p.finding(cls.__name__) for p in found)
        return made

    @classmethod
    def _broken_rules(cls, good: Good) -> Iterator[Problem]:
        for each in cls._rules:
            needs: tuple[str, ...] = each.needs  # type: ignore[attr-defined]
            if all(name in good for name in needs):
                yield from each(*(good[name] for name in needs))

    @classmethod
    def json_schema(cls) -> JsonSchema:
        """Return the JSON Schema of what this object is made from, bounds included."""
        schema: JsonSchema = cls.model_json_schema(mode="validation")
        return schema

    @model_validator(mode="wrap")
    @classmethod
    def _all_findings_at_once(cls, content: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(content, cls):
            return content
        if not isinstance(content, Mapping):
            raise _refused(
                cls,
                [Problem((), f"{shown(content)} where keys belong", ", ".join(cls.model_fields), _KEYS_NEXT)],
            )
        content = _prepared(cls, content)
        found: list[Problem] = []
        made: Self | None = None
        try:
            made = handler(content)
            good: Good = {name: getattr(made, name) for name in cls.model_fields}
        except ValidationError as error:
            unknown_first = sorted(_line_errors(error), key=lambda each: each.kind != "extra_forbidden")
            found += [_translated(cls, each) for each in unknown_first]
            good = _good_values(cls, content)
        found += cls._broken_rules(good)
        if found:
            raise _refused(cls, found)
        assert made is not None
        return made


class _Seeded(Spec):
    seed: Annotated[int, Field(ge=0, le=2**53)]


def checked_seed(seed: int) -> int:
    """Return a seed; raises ``FindingsError`` where it is no whole number from 0 to 2**53.

    >>> checked_seed(2026)
    2026
    """
    return _Seeded(seed=seed).seed


def problems_of(error: ValidationError) -> list[Problem]:
    """Return the problems that a refused ``Spec`` raised."""
    return [_translated(None, each) for each in _line_errors(error)]


# --- from pydantic's errors to the house's words ------------------------------------------------------------

_KEYS_NEXT = "write key: value, one a line"
_SAID = ("problem", "allowed", "next_step", "severity")


@dataclass(frozen=True)
class _LineError:
    """One error as pydantic states it."""

    kind: str
    place: Place
    value: object
    message: str
    context: Mapping[str, object]


def _line_errors(error: ValidationError) -> list[_LineError]:
    found = [
        _LineError(each["type"], each["loc"], each.get("input"), each["msg"], each.get("ctx", {}))
        for each in error.errors(include_url=False)
    ]
    return [each for each in found if not _counts_the_right_ones_only(each)]


def _counts_the_right_ones_only(error: _LineError) -> bool:
    """Tell whether a list is called short because items of it, which have errors of their own, are wrong."""
    if error.kind != "too_short" or not isinstance(error.value, Sequence):
        return False
    least = error.context.get("min_length")
    return isinstance(least, int) and len(error.value) >= least


def _refused(cls: type[Spec], found: Iterable[Problem]) -> ValidationError:
    errors = [
        InitErrorDetails(
            type=PydanticCustomError(
                _HOUSE,
                "{problem}",
                {name: _sayable(getattr(each, name)) for name in _SAID},
            ),
            loc=tuple(_sayable(step) if isinstance(step, str) else step for step in each.place),
            input=None,
        )
        for each in found
    ]
    return ValidationError.from_exception_data(cls.__name__, errors)


def _sayable(text: str) -> str:
    """Return a text in which lone surrogates, which no encoding takes, are spelled out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _translated(cls: type[Spec] | None, error: _LineError) -> Problem:
    """Return the house's words for an error of pydantic's; ``cls`` holds the field at the error's place."""
    if error.kind == _HOUSE:
        return Problem(error.place, *(str(error.context[name]) for name in _SAID))
    # a union names its branch behind the field: no step that a reader knows
    place = (*error.place[:1], *(step for step in error.place[1:] if isinstance(step, int)))
    cause = error.context.get("error")
    if isinstance(cause, RowProblem):
        return Problem(place, cause.problem, cause.allowed, cause.next_step)
    if error.kind == "missing":
        return Problem(error.place, "the key is missing", "", "add {path}")
    if error.kind == "extra_forbidden":
        return _unknown_key(cls, error.place)
    schema = _field_schema(cls, str(error.place[0])) if cls is not None and error.place else {}
    for step in place[1:]:
        schema = _of_item(schema, step)
    return _value_problem(error, place, schema)


def _of_item(schema: JsonSchema, step: object) -> JsonSchema:
    """Return the schema of the item ``step`` of a list; nothing where that is not a list's."""
    one = _branch(schema)
    fixed, rest = one.get("prefixItems"), one.get("items")
    found = (
        fixed[step] if isinstance(fixed, Sequence) and isinstance(step, int) and step < len(fixed) else rest
    )
    return found if isinstance(found, Mapping) else {}


def _unknown_key(cls: type[Spec] | None, place: Place) -> Problem:
    known = cls.model_fields if cls is not None else {}
    problem = f"the key {unknown_word(str(place[-1]), known)}"
    return Problem(place, problem, ", ".join(known), "rename or remove the key")


def _value_problem(error: _LineError, place: Place, schema: JsonSchema) -> Problem:
    value, kind, allowed = error.value, error.kind, allowed_by(schema)
    if kind.startswith(("greater_than", "less_than")):
        return Problem(place, f"{shown(value)} is out of range", allowed, "correct the number")
    if kind == "finite_number" or (isinstance(value, float) and not math.isfinite(value)):
        return Problem(place, f"{value} is not finite", allowed, "write a finite number")
    if kind.startswith("int") and isinstance(value, float):
        next_step = "write it without a decimal point"
        return Problem(place, f"{shown(value)} is not a whole number", allowed, next_step)
    if kind.startswith(("int", "float")):
        next_step = "write the number alone, without unit or quotes"
        return Problem(place, f"{shown(value)} where a number belongs", allowed, next_step)
    if kind == "string_type":
        return Problem(place, f"{shown(value)} is not text", "text", "write words, a number in quotes")
    if kind == "literal_error":
        enum = _branch(schema).get("enum")
        words = [str(word) for word in enum] if isinstance(enum, Sequence) else []
        word = value if isinstance(value, str) else shown(value)
        return Problem(place, unknown_word(word, words), ", ".join(words), "write one of these")
    if kind.startswith("bool"):
        problem = f"{shown(value)} is neither true nor false"
        return Problem(place, problem, "true or false", "write one of them")
    if kind in ("too_short", "too_long"):
        most = f" to {schema['maxItems']}" if "maxItems" in schema else " or more"
        allowed = f"{schema.get('minItems', 0)}{most}"
        return Problem(place, f"{error.context['actual_length']} of them", allowed, "add or remove some")
    if kind in ("tuple_type", "list_type"):
        return Problem(place, f"{shown(value)} where a list belongs", "a list", 'begin each item with "- "')
    return Problem(place, f"{error.message} (found {shown(value)})", allowed, "correct the value")


def allowed_by(schema: JsonSchema) -> str:
    """Say which numbers a schema takes.

    >>> allowed_by({"type": "integer", "minimum": 2, "maximum": 20000})
    'a whole number from 2 to 20000'
    """
    one = _branch(schema)
    words = ["a whole number" if one.get("type") == "integer" else "a number"]
    for key, word in _BOUNDS.items():
        limit = one.get(key)
        if isinstance(limit, int | float):
            words.append(f"{word} {plain(limit)}")
    if one.get("type") not in ("integer", "number"):
        return ""
    return " ".join(words) + (", or null" if "anyOf" in schema else "")


_BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "exclusiveMaximum": "below"}


def _branch(schema: JsonSchema) -> JsonSchema:
    """Return the branch of a schema that is not null."""
    branches = schema.get("anyOf")
    if not isinstance(branches, Sequence):
        return schema
    named = [each for each in branches if isinstance(each, Mapping) and each.get("type") != "null"]
    return named[0] if named else schema


@cache
def _field_schema(cls: type[Spec], name: str) -> JsonSchema:
    if name not in cls.model_fields:
        return {}
    schema: JsonSchema = _adapter(cls, name).json_schema()
    return schema


# --- what is right in a content that is wrong elsewhere -----------------------------------------------------


@cache
def _adapter(cls: type[Spec], name: str) -> TypeAdapter[object]:
    field = cls.model_fields[name]
    kind = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    own_rules = _nested(field) is not None or is_dataclass(field.annotation)
    config = None if own_rules else ConfigDict(strict=True, allow_inf_nan=False)
    return TypeAdapter(kind, config=config)  # type: ignore[arg-type]


def _prepared(cls: type[Spec], content: Mapping[str, object]) -> Mapping[str, object]:
    """Return the content with its defaults, numpy's scalars as plain ones; an empty section holds no key.

    So what a lacking section must hold is named key by key.
    """
    sections: dict[str, object] = {
        name: {}
        for name, field in cls.model_fields.items()
        if isinstance(field.annotation, type)
        and issubclass(field.annotation, Spec)
        and content.get(name) is None
        and (name in content or field.is_required())
    }
    plain_values = {k: v.item() if isinstance(v, np.generic) else v for k, v in content.items()}
    return cls.filled({**plain_values, **sections})


def _good_values(cls: type[Spec], content: Mapping[str, object]) -> Good:
    good: dict[str, object] = {}
    for name, field in cls.model_fields.items():
        if name not in content:
            if not field.is_required():
                good[name] = field.get_default(call_default_factory=True)
            continue
        try:
            good[name] = _adapter(cls, name).validate_python(content[name])
        except ValidationError:
            partial = _partial(field, content[name])
            if not isinstance(partial, Absent):
                good[name] = partial
    return good


def _partial(field: FieldInfo, content: object) -> object:
    """Return the right fields of nested objects, one or a list of them; ``Absent`` for anything else."""
    nested = _nested(field)
    if nested is None:
        return Absent()
    listed = get_origin(field.annotation) in (tuple, list)
    if isinstance(content, Mapping) and not listed:
        return _partial_object(nested, content)
    if isinstance(content, Sequence) and not isinstance(content, str):
        return [item if isinstance(item, nested) else _partial_object(nested, item) for item in content]
    return Absent()


def _nested(field: FieldInfo) -> type[Spec] | None:
    """Return the domain object that a field holds, alone or in a list; None where it holds none."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, Spec)), None)


def _partial_object(cls: type[Spec], content: object) -> object:
    if not isinstance(content, Mapping):
        return SimpleNamespace()
    return SimpleNamespace(**_good_values(cls, _prepared(cls, content)))


__all__ = [
    "Absent",
    "Json",
    "JsonSchema",
    "Place",
    "Problem",
    "Spec",
    "checked_seed",
    "of",
    "problems_of",
    "rule",
]
