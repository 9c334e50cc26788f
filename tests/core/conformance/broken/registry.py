"""Broken plugins: each has one fault, and names the conformance test that must catch it.

A *door* is a kind of plugin. It has a reference, which is correct and passes its suite wholly, and faults: each a class
that differs from the reference in one behaviour, a few lines long. `Door.suites` makes a test class of the reference
and of each fault; these are run in a process of their own (see `running`) and what failed is compared with what had to.
"""

from collections.abc import Callable
from typing import Any, NamedTuple


class Fault(NamedTuple):
    """One thing that is wrong."""

    words: str
    """What it does, said of the plugin."""
    caught_by: tuple[str, ...]
    """The tests that must fail because of it."""
    spoils: int
    """How many of the other tests that it is given may fail as well: those that need what is broken for something."""
    suite: str
    """The name of its test class."""


class Door:
    """A kind of plugin.

    Args:
        name: What to call it in the table.
        reference: The test class of what is correct, whose attribute ``kind`` is what is under test.
    """

    def __init__(self, name: str, reference: type) -> None:
        self.name = name
        self.faults: list[Fault] = []
        self.suites: dict[str, type] = {reference.__name__: reference}
        self.reference = reference.__name__
        self._base = reference

    def fault(self, words: str, *caught_by: str, spoils: int = 4) -> Callable[[type], type]:
        """Register the decorated class as one with the fault *words*."""

        def register(kind: type) -> type:
            name = f"Test{kind.__name__}"
            assert name not in self.suites, f"{kind.__name__} twice"
            body: dict[str, Any] = {"kind": kind, "__module__": kind.__module__, "__doc__": words}
            self.suites[name] = type(name, (self._base,), body)
            self.faults.append(Fault(words, caught_by, spoils, name))
            return kind

        return register
