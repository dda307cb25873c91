"""Options and a build → the command line, or a refusal that names what would work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyperf2.core.argv2 import compose_iperf2
from pyperf2.core.argv3 import compose_iperf3
from pyperf2.core.command import refuse_misplaced

if TYPE_CHECKING:
    from pyperf2.core.binary import Build
    from pyperf2.core.command import Command
    from pyperf2.core.optionset import OptionSet
    from pyperf2.core.spelling import Role

_COMPOSERS: Final = {"iperf2": compose_iperf2, "iperf3": compose_iperf3}


def compose(options: OptionSet, role: Role, build: Build, binary: str) -> Command:
    """Write the command line; OptionError or UnsupportedOption before anything is started."""
    refuse_misplaced(options, role, build)
    return _COMPOSERS[build.tool](options, role, build, binary)
