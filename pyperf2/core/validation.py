"""Results and criteria → what has passed, what has not, and why; evaluates every one of them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pyperf2.core import yardsticks
from pyperf2.core.limits import Criterion, Judgement
from pyperf2.errors import OptionError
from pyperf2.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyperf2.core.results import Result
    from pyperf2.core.spelling import Role

_WORDS: Final[Mapping[bool | None, str]] = {True: "passed", False: "failed", None: "undecided"}

Judge: TypeAlias = Callable[..., Any]
Criteria: TypeAlias = (
    Mapping[Judge, Mapping[str, Any]] | Iterable[Judge | tuple[Judge, Mapping[str, Any]]] | Judge
)


@dataclass(frozen=True, slots=True)
class Custom:
    """A function of a result, and the keywords it is called with; true is passed."""

    function: Judge
    keywords: Mapping[str, Any]

    def judge(self, result: Result) -> Judgement:
        """Call it; what it raises is why it failed."""
        try:
            returned = self.function(result, **self.keywords)
            passed = bool(returned)
        except Exception as error:  # noqa: BLE001 - user code; the reason stands in the report
            reason = f"it raised {type(error).__name__}: {error}"
            return Judgement(passed=False, reason=reason)
        if isinstance(returned, Coroutine):  # true, whatever it would have said
            returned.close()
            return Judgement(passed=False, reason="it is a coroutine; give a plain function")
        return Judgement(passed=passed, reason="" if passed else f"it returned {returned!r}")

    @property
    def limit_told(self) -> str:
        """The keywords."""
        return ", ".join(f"{name}={value!r}" for name, value in self.keywords.items())

    def __str__(self) -> str:
        """Name the function."""
        function = getattr(self.function, "func", self.function)  # func: of a partial
        return str(getattr(function, "__name__", type(function).__name__))


CARRIED: Final = Criterion(
    name="traffic", limit=1.0, unit="bytes", least=True, measure=yardsticks.traffic
)


def criteria_of(given: Any) -> tuple[Criterion | Custom, ...]:
    """Read criteria in whichever form they were given.

    Args:
        given: ``{function: {keyword: value}}``, or a list of functions, of ``(function,
            {keyword: value})`` and of ready-made criteria, or one of these alone.

    Raises:
        OptionError: one of them is no criterion.
    """
    if given is None:
        return ()
    if callable(given):
        return (_criterion(given, {}),)
    if isinstance(given, Mapping):
        return tuple(_criterion(one, keywords) for one, keywords in given.items())
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes)):
        raise OptionError(f"{given!r} is no criterion; {_FORMS}")
    pairs = (one if isinstance(one, tuple) else (one, {}) for one in given)
    return tuple(_criterion(*_pair(one)) for one in pairs)


_FORMS: Final = (
    "give {function: {keyword: value}}, or a list of functions, of (function, {keyword: value}) "
    "and of ready-made criteria like max_loss('1%')"
)


def _pair(given: tuple[Any, ...]) -> tuple[Any, Any]:
    if len(given) != 2:  # noqa: PLR2004 - a pair
        raise OptionError(f"{given!r} is no criterion; {_FORMS}")
    return given[0], given[1]


def _criterion(one: Any, keywords: Any) -> Criterion | Custom:
    if not callable(one) or not isinstance(keywords, Mapping):
        raise OptionError(f"{one!r} with {keywords!r} is no criterion; {_FORMS}")
    if isinstance(one, Criterion):
        if keywords:
            raise OptionError(f"{one} takes no keywords, its limit is {one.limit_told}")
        return one
    return Custom(one, dict(keywords))


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One criterion, held against the result of one end of a stream.

    Attributes:
        stream: name of the stream; None for an instance validated by itself.
        role: of the end.
        end: name of the instance.
        criterion: its name; ``traffic`` (something was moved, without an error) stands for all.
        passed: None if it cannot be decided.
        value: the figure, in the unit of the limit; None where there is none.
        limit: in words: ``at most 1 %``; of a function of yours, its keywords.
        reason: why it has not passed.
        told: the figure in words.
    """

    role: Role
    end: str
    criterion: str
    passed: bool | None
    stream: str | None = None
    value: float | None = None
    limit: str = ""
    reason: str = ""
    told: str = ""

    def __str__(self) -> str:
        """Say all of it in a line."""
        where = self.end if self.stream is None else f"stream {self.stream!r}, {self.end}"
        figure = f": {self.told}" if self.told else ""
        told = [f"{_WORDS[self.passed]}: {where}: {self.criterion}{figure}"]
        told += [f"limit {self.limit}"] if self.limit else []
        told += [self.reason] if self.reason else []
        return printable("; ".join(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationReport:
    """All findings; true if there are any and each has passed for certain."""

    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, reports: Iterable[ValidationReport]) -> ValidationReport:
        """Put the findings of several reports into one."""
        return cls(findings=tuple(one for each in reports for one in each.findings))

    @property
    def passed(self) -> bool | None:
        """True: all have; False: one has not; None: one is undecided, or there are none."""
        outcomes = {one.passed for one in self.findings}
        if False in outcomes:
            return False
        return None if None in outcomes or not outcomes else True

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that have not passed for certain."""
        return tuple(one for one in self.findings if one.passed is not True)

    @property
    def lines(self) -> tuple[str, ...]:
        """A line for each of them."""
        return tuple(map(str, self.failures))

    def __bool__(self) -> bool:
        """Whether all have passed for certain."""
        return self.passed is True

    def __str__(self) -> str:
        """Say passed, failed or undecided, and why."""
        told = [_WORDS[self.passed], *self.lines]
        return "\n".join(told if self.findings else ["undecided: there is nothing to validate"])

    def to_dict(self) -> dict[str, Any]:
        """Give plain data, ready for JSON."""
        from pyperf2.core import validation_forms

        return validation_forms.plain(self)

    def to_json(self, *, indent: int | None = None) -> str:
        """Give the report as a JSON document."""
        import json

        return json.dumps(self.to_dict(), indent=indent)

    def to_junit(self) -> str:
        """Give the report as JUnit XML: a suite per stream, a case per finding."""
        from pyperf2.core import validation_forms

        return validation_forms.junit(self)


def validate(
    result: Result,
    criteria: Sequence[Criterion | Custom],
    *,
    end: str,
    stream: str | None = None,
) -> Iterator[Finding]:
    """Hold a result against all criteria; first of all, it has moved something without an error."""
    for one in (CARRIED, *criteria):
        judged = one.judge(result)
        if one is CARRIED and result.error is not None:
            judged = Judgement(passed=False, reason=str(result.error))
        yield Finding(
            stream=stream,
            role=result.role,
            end=end,
            criterion=str(one),
            passed=judged.passed,
            value=judged.value,
            limit="" if one is CARRIED else one.limit_told,
            reason=judged.reason,
            told=judged.told,
        )
