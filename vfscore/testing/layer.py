"""The conformance suite of layers.

A layer's whole use of it::

    class TestAudit(LayerTests):
        @pytest.fixture
        def make(self):
            return lambda: Audit()

*make* returns a layer that is at rest: it watches, and lets pass. What it answers itself, instead of letting it pass,
stands in `answers`. The suite puts the layer around a probe: a file system that notes what reaches it.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final

import pytest

from vfscore.mount import Mount
from vfscore.opv import OpVector, VfsVector, check_hookimpls, layer_name
from vfscore.spec import FileSystem, hookimpl
from vfscore.testing.conformance import Part, Serving, ServingTests
from vfscore.testing.makers import raises
from vfscore.types import (
    ACCESS_READ,
    ROOT_CRED,
    ComponentName,
    IoFlag,
    NameiOp,
    Statvfs,
    VAttr,
    VType,
)
from vfscore.vnode import Vnode

__all__ = ["LayerTests", "MakeLayer"]

MakeLayer = Callable[[], object]

_OPS: Final = {**OpVector.hooks, **VfsVector.hooks}
_STANDS_FOR: Final = {
    "vop_read": {"vop_readinto"},
    "vop_readinto": {"vop_read"},
    "vop_view": {"vop_read", "vop_readinto"},
    "vop_read_ranges": {"vop_read", "vop_readinto"},
    "vop_read_many": {
        "vop_lookup",
        "vop_access",
        "vop_open",
        "vop_getattr",
        "vop_read",
        "vop_readinto",
        "vop_close",
    },
    "vop_read_ranges_many": {
        "vop_lookup",
        "vop_access",
        "vop_open",
        "vop_read",
        "vop_readinto",
        "vop_read_ranges",
        "vop_close",
    },
    "vop_write_many": {"vop_lookup", "vop_access", "vop_create", "vop_open", "vop_setattr", "vop_write", "vop_close"},
    "vop_copy_many": {
        "vop_lookup",
        "vop_access",
        "vop_create",
        "vop_open",
        "vop_getattr",
        "vop_setattr",
        "vop_read",
        "vop_readinto",
        "vop_write",
        "vop_close",
    },
    "vop_remove_many": {"vop_lookup", "vop_access", "vop_remove"},
    "vop_find": {"vop_lookup", "vop_access", "vop_getattr", "vop_readdir"},
}
"""An op that does what others do → those others."""


class _Probe:
    """An implementer of all ops that notes its calls, and answers or raises what it is told to."""

    def __init__(self, ops: Iterable[str], log: list[tuple[str, tuple[Any, ...]]]) -> None:
        self.error: BaseException | None = None
        self.inside: Callable[[], object] | None = None
        """Called once, in the middle of the next op."""
        self.results: dict[str, Any] = {}
        for op in ops:
            vars(self)[op] = hookimpl(self._body(op, log))

    def _body(self, op: str, log: list[tuple[str, tuple[Any, ...]]]) -> Callable[..., Any]:
        def body(*args: Any) -> Any:
            log.append((op, args))
            inside, self.inside = self.inside, None
            if inside is not None:
                inside()
            if self.error is not None:
                raise self.error
            if op == "vop_read" and args[1]:
                return b""
            if op == "vop_readinto" and args[2]:
                return 0
            return self.results.get(op)

        parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in _OPS[op]]
        vars(body)["__signature__"] = inspect.Signature(parameters)
        return body


def _content(arg: object) -> object:
    """Return what could be changed in an argument."""
    if isinstance(arg, ComponentName | VAttr):
        return [getattr(arg, name) for name in arg.__slots__]
    if isinstance(arg, list | dict | memoryview):
        return copy.copy(arg) if not isinstance(arg, memoryview) else bytes(arg)
    return arg


class _World:
    """A mount of a probe, with a layer around it or without."""

    def __init__(self, layers: Iterable[object]) -> None:
        self.log: list[tuple[str, tuple[Any, ...]]] = []
        self.vnodes = _Probe(OpVector.hooks, self.log)
        self.mounts = _Probe(VfsVector.hooks, self.log)
        fs = FileSystem("probe", self.mounts, self.vnodes)
        self.mp = Mount(fs, layers=tuple(layers))
        self.dir = Vnode(VType.VDIR, self.mp.v_op, None, self.mp)
        self.file = Vnode(VType.VREG, self.mp.v_op, None, self.mp)
        made = {"vop_create", "vop_lookup", "vop_mkdir", "vop_mknod", "vop_symlink", "vfs_root", "vfs_vget"}
        results: dict[str, Any] = dict.fromkeys(made, self.file) | {
            "vop_getattr": VAttr(VType.VREG, 0o644, va_size=4),
            "vop_read": b"data",
            "vop_readinto": 4,
            "vop_view": memoryview(b"data"),
            "vop_write": 4,
            "vop_readdir": ([], True),
            "vop_readlink": "target",
            "vop_pathconf": 255,
            "vop_getextattr": b"value",
            "vop_listextattr": ["user.name"],
            "vop_inactive": False,
            "vop_islocked": False,
            "vop_poll": 1,
            "vop_read_many": [b"data"],
            "vop_read_ranges": [b"data"],
            "vop_read_ranges_many": [[b"data"]],
            "vop_write_many": [None],
            "vop_copy_many": [None],
            "vop_remove_many": [None],
            "vop_find": [],
            "vfs_statvfs": Statvfs(),
        }
        self.vnodes.results = self.mounts.results = results

    def body(self, op: str) -> Callable[..., Any]:
        """Return what is in the slot of *op*."""
        body: Callable[..., Any] = getattr(self.mp.v_op if op in OpVector.hooks else self.mp.mnt_op, op)
        return body

    def args(self, op: str) -> tuple[Any, ...]:
        """Return arguments that fit *op*."""
        fitting: dict[str, Any] = {
            "dvp": self.dir,
            "fdvp": self.dir,
            "tdvp": self.dir,
            "vp": self.dir if op == "vop_readdir" else self.file,
            "fvp": self.file,
            "tvp": None,
            "mp": self.mp,
            "vap": VAttr(VType.VREG, 0o644),
            "cred": ROOT_CRED,
            "accmode": ACCESS_READ,
            "mode": os.O_RDONLY,
            "fflag": os.O_RDONLY,
            "flags": NameiOp.CREATE if op == "vop_whiteout" else 0,
            "ioflag": IoFlag.NONE,
            "offset": 0,
            "size": 4,
            "length": 4,
            "buf": memoryview(bytearray(4)),
            "data": b"data",
            "limit": None,
            "maxdepth": None,
            "target": "target",
            "name": "user.name",
            "value": b"value",
            "command": 1,
            "options": {},
            "paths": ["name"],
            "pairs": [("name", "other")],
            "items": [("name", [(0, 4)] if op == "vop_read_ranges_many" else b"data")],
            "ranges": [(0, 4)],
            "wait": False,
            "force": False,
            "readonly": True,
        }
        return tuple(ComponentName("name") if a.endswith("cnp") else fitting.get(a, 0) for a in _OPS[op])

    def call(self, op: str) -> tuple[tuple[Any, ...], Any]:
        """Call *op* and return the arguments and the result."""
        args = self.args(op)
        return args, self.body(op)(*args)


class LayerTests(ServingTests):
    """A layer is around the ops that it names, and nowhere else."""

    answers: ClassVar[Mapping[str, int]] = {}
    """Op → the errno that the layer at rest answers with, instead of asking further inside."""

    @pytest.fixture
    def make(self) -> MakeLayer:
        """Return what makes a layer at rest; to be defined by the subclass."""
        raise NotImplementedError(f"{type(self).__name__} must define the fixture make")

    @pytest.fixture
    def serving(self, make: MakeLayer) -> Serving:
        """Return what the layer is around, and which of these it answers itself."""
        layer = make()
        wrapped = self._wrapped(layer)
        return Serving(
            "layer",
            layer_name(layer),
            tuple(
                Part(f"{what} operations", tuple(op for op in hooks if op in wrapped), (), ())
                for what, hooks in (("vnode", OpVector.hooks), ("vfs", VfsVector.hooks))
            ),
        )

    def _wrapped(self, layer: object) -> list[str]:
        return sorted(check_hookimpls(layer, _OPS, type(self).__name__, wrappers=True))

    def test_layer_wraps_something(self, make: MakeLayer) -> None:
        assert self._wrapped(make())

    def test_untouched_op_costs_no_wrapper(self, make: MakeLayer) -> None:
        layer = make()
        world = _World([layer])
        touched = set(self._wrapped(layer))
        touched |= {op for op, parts in _STANDS_FOR.items() if parts & touched}
        if "vop_getattr" in touched:
            touched.add("vop_readdir")  # its entries carry attributes

        for op in _OPS.keys() - touched:
            probe = world.vnodes if op in OpVector.hooks else world.mounts
            assert world.body(op) is vars(probe)[op], op

    def test_result_comes_through_unchanged(self, make: MakeLayer) -> None:
        layer = make()
        world = _World([layer])

        for op in self._passing(layer):
            _, result = world.call(op)
            assert result is world.vnodes.results.get(op), op

    def test_arguments_come_through_unchanged(self, make: MakeLayer) -> None:
        layer = make()
        world = _World([layer])

        for op in self._passing(layer):
            args, _ = world.call(op)
            got = [seen for name, seen in world.log if name == op]
            assert len(got) == 1, f"{op} was called {len(got)} times"
            assert all(a is b for a, b in zip(args, got[0], strict=True)), op
            world.log.clear()

    def test_arguments_keep_what_is_in_them(self, make: MakeLayer) -> None:
        layer = make()
        world = _World([layer])

        for op in self._passing(layer):
            args = world.args(op)
            before = [_content(arg) for arg in args]
            world.body(op)(*args)
            assert [_content(arg) for arg in args] == before, op

    def test_error_comes_through_unchanged(self, make: MakeLayer) -> None:
        layer = make()
        world = _World([layer])
        world.vnodes.error = world.mounts.error = error = OSError(122, "the probe's own")

        for op in self._passing(layer):
            with pytest.raises(OSError) as info:
                world.call(op)
            assert info.value is error, op

    def test_op_that_the_layer_answers_does_not_get_inside(self, make: MakeLayer) -> None:
        if not self.answers:
            pytest.skip("this layer answers nothing itself")
        world = _World([make()])

        for op, code in self.answers.items():
            with raises(code):
                world.call(op)
            assert op not in [name for name, _ in world.log], op

    def test_layer_can_be_around_itself(self, make: MakeLayer) -> None:
        outer, inner = make(), make()
        world = _World([outer, inner])

        for op in self._passing(outer):
            world.call(op)
            assert [name for name, _ in world.log].count(op) == 1, op
            world.log.clear()

    def test_op_in_the_middle_of_an_op_goes_through_the_layer_as_well(self, make: MakeLayer) -> None:
        layer = make()
        world = _World([layer])

        for op in self._passing(layer):
            probe = world.vnodes if op in OpVector.hooks else world.mounts
            results: list[object] = []

            def call(op: str = op, results: list[object] = results) -> None:
                try:
                    results.append(world.call(op)[1])
                except OSError as exc:
                    results.append(exc)

            probe.inside = call
            # A layer that waits for itself would do so for ever: not here.
            outer = threading.Thread(target=call, daemon=True)
            outer.start()
            outer.join(10)

            assert not outer.is_alive(), f"{op} waits for itself"
            assert results == [probe.results.get(op)] * 2, op

    def test_bulk_op_of_what_is_answered_does_not_get_inside(self, make: MakeLayer) -> None:
        bulks = [bulk for bulk, parts in _STANDS_FOR.items() if parts & set(self.answers) and bulk not in self.answers]
        if not bulks:
            pytest.skip("this layer answers nothing that there is a bulk op for")
        world = _World([make()])

        for bulk in bulks:
            with contextlib.suppress(OSError):
                world.call(bulk)
            assert bulk not in [name for name, _ in world.log], bulk

    def test_bulk_op_does_not_slip_past(self, make: MakeLayer) -> None:
        layer = make()
        wrapped = set(self._wrapped(layer))
        world = _World([layer])
        hidden = [bulk for bulk, parts in _STANDS_FOR.items() if parts & wrapped and bulk not in wrapped]
        if not hidden:
            pytest.skip("this layer is around nothing that there is a bulk op for")

        for bulk in hidden:
            if bulk not in self.answers:
                world.call(bulk)
            assert bulk not in [name for name, _ in world.log], bulk

    def test_bulk_op_is_seen_op_by_op(self, make: MakeLayer) -> None:
        layer = make()
        wrapped = set(self._wrapped(layer))
        if "vop_read" not in wrapped or "vop_read_ranges" in wrapped:
            pytest.skip("this layer is not around vop_read alone")
        world = _World([layer])

        world.call("vop_read_ranges")

        assert "vop_read" in [name for name, _ in world.log]

    def _passing(self, layer: object) -> list[str]:
        return [op for op in self._wrapped(layer) if op not in self.answers]
