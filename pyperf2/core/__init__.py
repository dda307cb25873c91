"""Decides: options, argv, parsing, loss, results. Pure: no I/O, no clock, no threads."""
