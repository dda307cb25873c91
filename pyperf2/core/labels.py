"""Names of a lab's namespaces: whose they are, and which node; makes no namespace."""

from __future__ import annotations

import re
from typing import Final

LAB_NAME: Final = re.compile(
    r"pyperf2-lab-(?P<label>.+)-(?P<pid>\d+)-(?P<started>\d+)-(?P<space>\d+)-\d+"
)


def label_of(namespace: str) -> str:
    """Give what a lab calls the node in a namespace; of any other, the name as it is.

    The rest of the name changes with each lab, and would set the same flow of two reports apart.
    """
    found = LAB_NAME.fullmatch(namespace)
    return namespace if found is None else found["label"]
