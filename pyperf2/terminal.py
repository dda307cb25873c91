"""Text that others wrote, made fit to be shown: a terminal obeys none of it; alters no raw data."""

from __future__ import annotations

_LINES = "\n\t"


def printable(text: str) -> str:
    r"""Write every character that is not printable as its escape: ``ESC`` becomes ``\x1b``.

    That is all of C0 and C1 but newline and tab, what changes the direction of text or has no
    width, separators of lines and paragraphs, and bytes that were no UTF-8 (surrogates): what is
    left can be encoded, moves no cursor, and is legal in XML 1.0.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in _LINES else _escape(one) for one in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
