"""The values of one instance's options: all of them valid, at any time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pyperf2.core.options import OPTIONS
from pyperf2.core.spelling import Unset
from pyperf2.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pyperf2.core.spelling import Option, Role

# Old scripts hand these back from get_options(); they describe, they do not configure.
READ_ONLY: Final = frozenset(
    {"status", "type", "currently_has_loss", "expected_interval_packets"}
)  # fmt: skip
_OF_CLIENTS: Final = frozenset({"bandwidth", "dscp", "ttl"})  # the load; a server has none


def nearest(name: str) -> str | None:
    """Give the known option whose name is most like ``name``, or None."""
    import difflib

    found = difflib.get_close_matches(name, OPTIONS, n=1, cutoff=0.75)
    return found[0] if found else None


def unknown_option(name: str) -> OptionError:
    """Make the error for an option that does not exist, with the nearest right name."""
    near = nearest(name)
    hint = f"did you mean {near!r}?" if near else "extra_args takes what has no name here"
    return OptionError(f"there is no option {name!r}; {hint}")


def of_role(options: Mapping[str, Any], role: Role) -> dict[str, Any]:
    """Give the options that a role takes.

    Raises:
        OptionError: there is no such option.
    """
    for name in options:
        if name not in OPTIONS:
            raise unknown_option(name)
    return {
        name: value
        for name, value in options.items()
        if role in OPTIONS[name].roles and (role == "client" or name not in _OF_CLIENTS)
    }


class OptionSet:
    """The values of all options of one instance; every value in it is valid."""

    __slots__ = ("_changed", "_values")

    def __init__(self, changed: Callable[[], None] | None = None) -> None:
        """Start with nothing set; ``changed`` is called after each change."""
        self._values: dict[str, Any] = {}
        self._changed = changed

    def set(self, name: str, value: Any) -> None:
        """Set one option; None unsets it. OptionError says what is wrong and what would work."""
        self.set_all({name: value})

    def set_all(self, values: Mapping[str, Any]) -> None:
        """Set several options, all of them or (OptionError) none."""
        valid = {}
        for name, value in values.items():
            if name in READ_ONLY:
                continue
            option = OPTIONS.get(name)
            if option is None:
                raise unknown_option(name)
            valid[name] = _validated(option, value)
        for name, value in valid.items():
            if value is None:
                self._values.pop(name, None)
            else:
                self._values[name] = value
        if valid and self._changed is not None:
            self._changed()

    def __getitem__(self, name: str) -> Any:
        """Give the value of an option: what was set, or its default."""
        return self._values.get(name, OPTIONS[name].default)

    def is_set(self, name: str) -> bool:
        """Whether the option was set to a value of its own."""
        return name in self._values

    def set_names(self) -> Iterator[str]:
        """Give the names of the options that were set, in the order of the table."""
        return (name for name in OPTIONS if name in self._values)

    def as_dict(self) -> dict[str, Any]:
        """Give all options; handing them to ``set_all`` of another set copies this one."""
        return {name: self[name] for name in OPTIONS}


def _validated(option: Option, value: Any) -> Any:
    if value is None or isinstance(value, Unset) or value == "":
        return None
    try:
        return option.kind.parse(value)
    except (TypeError, ValueError) as error:
        raise OptionError(f"{option.name}={value!r}: {error}") from error
