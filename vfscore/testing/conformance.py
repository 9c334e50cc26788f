"""What all suites have in common: they are a contract, and say how much of it is kept.

A subclass inherits every test of its suite. One that takes a test away, by redefining it or setting it to None, must
say so in `Conformance.overrides`, with the reason; otherwise its class is not made, and pytest reports that at
collection. So a green run means the whole suite, but for what is declared, and the summary of the run shows that.

`Serving` is what is served of the contract; one test of each suite notes it in `SERVED`, which `summary` prints.

Locks: none; the tests of one process run one after the other.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import ClassVar, Final, NamedTuple

import pytest

__all__ = ["SERVED", "Conformance", "Part", "Serving", "ServingTests", "check_overrides", "declared", "suite_of"]


class Part(NamedTuple):
    """A part of a contract: its operations, and who answers for them."""

    what: str
    """``operations``, ``operations of an open file``…"""
    served: tuple[str, ...]
    defaults: tuple[str, ...]
    """Not served, and answered by the core all the same."""
    empty: tuple[str, ...]

    @classmethod
    def of(cls, what: str, ops: Iterable[str], served: Iterable[str], defaults: Iterable[str] = ()) -> Part:
        """Return the part of the contract that consists of *ops*."""
        has, given = set(served), set(defaults)
        known = list(ops)
        return cls(
            what,
            tuple(op for op in known if op in has),
            tuple(op for op in known if op in given - has),
            tuple(op for op in known if op not in has | given),
        )


class Serving(NamedTuple):
    """What something serves of its contract."""

    kind: str
    """``backend``, ``file system``, ``device driver`` or ``layer``."""
    name: str
    """Its own name: a class, or what mounts call it."""
    parts: tuple[Part, ...]


SERVED: Final[dict[str, Serving]] = {}
"""pytest's id of a suite's subclass → what it was seen to serve, in this process."""


def _is_suite(cls: type) -> bool:
    return cls.__module__.startswith("vfscore.testing.")


def suite_of(cls: type) -> str:
    """Return the names of the suites that *cls* is a subclass of, as its author wrote them."""
    bases = [base for c in cls.__mro__ if not _is_suite(c) for base in c.__bases__ if _is_suite(base)]
    return " and ".join(dict.fromkeys(base.__name__ for base in bases))


def declared(cls: type) -> dict[str, str]:
    """Return the overrides that *cls* and those above it declare."""
    found: dict[str, str] = {}
    for c in cls.__mro__:
        if not _is_suite(c):
            for name, why in dict(vars(c).get("overrides", {})).items():
                found.setdefault(name, why)
    return found


def check_overrides(cls: type) -> list[str]:
    """Return what is wrong with the overrides of *cls*, in words: one undeclared, and one declared in vain."""
    if _is_suite(cls):
        return []
    tests = {name for c in cls.__mro__ if _is_suite(c) for name in vars(c) if name.startswith("test_")}
    owner = {name: next(c for c in cls.__mro__ if name in vars(c)) for name in tests}
    said = declared(cls)
    faults = []
    for name in sorted(tests - said.keys()):
        if not _is_suite(owner[name]):
            done = "redefines" if callable(vars(owner[name])[name]) else "takes away"
            faults.append(
                f"{cls.__name__} {done} {name} of its suite and does not declare it: "
                f'add overrides = {{"{name}": "why"}} to the class'
            )
    for name, why in said.items():
        if name not in tests:
            near = difflib.get_close_matches(name, tests, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            faults.append(f"{cls.__name__}.overrides names {name}, which is no test of its suite{hint}")
        elif _is_suite(owner[name]):
            faults.append(f"{cls.__name__}.overrides names {name}, which is not overridden: take it out")
        elif not isinstance(why, str) or not why.strip():
            faults.append(f"{cls.__name__}.overrides gives no reason for {name}")
    return faults


class Conformance:
    """The base of all suites."""

    overrides: ClassVar[Mapping[str, str]] = {}
    """Test of the suite that this class redefines, or sets to None → why. The summary lists them."""

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        faults = check_overrides(cls)
        if faults:
            raise pytest.Collector.CollectError("\n".join(faults))


class ServingTests(Conformance):
    """The base of the suites of what serves operations: what it serves is noted."""

    @pytest.fixture
    def serving(self) -> Serving:
        """Return what is served; defined by each suite."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture serving")

    def test_something_of_the_contract_is_served(self, serving: Serving, request: pytest.FixtureRequest) -> None:
        SERVED[request.node.parent.nodeid] = serving

        assert any(part.served for part in serving.parts)
