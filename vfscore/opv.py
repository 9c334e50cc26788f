"""Op vectors: one implementer, genfs's defaults and the layers of a mount, compiled into slots.

A call of an op is then an attribute and a call, ``vp.v_op.vop_read(…)``, and no hook dispatch. A vector is made once
for each (implementer, layers) and shared by all the mounts that have both the same; a slot takes what it needs from the
vnode.

Layers are pluggy wrappers (``@hookimpl(wrapper=True)``): generators that yield once, around the op inside. The first
layer of a mount is the outermost. Only a wrapped op pays for it. A layer that wraps an op but not the bulk form of it
turns the bulk form back into the loop over the op, so that nothing slips past.

What an implementer may get wrong is checked here, when its vector is made, with the plugin's name in the error.
Immutable once made; no locks but the one around the table of vectors.
"""

from __future__ import annotations

import difflib
import inspect
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, Self

from vfscore.errors import PluginError
from vfscore.genfs import (
    DEV_DEFAULTS,
    VFS_DEFAULTS,
    VNODE_DEFAULTS,
    eopnotsupp,
    genfs_d_read_by,
    genfs_d_read_ranges_by,
    genfs_d_readinto_by,
    genfs_read_by,
    genfs_readdir_plain,
    genfs_readinto_by,
)
from vfscore.locks import new_lock
from vfscore.spec import PROJECT, DeviceOps, VfsOps, VnodeOps

if TYPE_CHECKING:
    from _thread import RLock

__all__ = ["DevVector", "OpVector", "VfsVector", "check_hookimpls", "hookimpls_of", "layer_name", "spec_hooks"]

_Op = Callable[..., Any]


def spec_hooks(spec: type) -> dict[str, tuple[str, ...]]:
    """Return the hooks of a spec Protocol: name → argument names, in the order of the file."""
    hooks = {}
    for name, func in vars(spec).items():
        if getattr(func, f"{PROJECT}_spec", None) is not None:
            hooks[name] = tuple(inspect.signature(func).parameters)[1:]
    return hooks


def hookimpls_of(obj: object) -> Iterator[tuple[str, _Op, Mapping[str, Any]]]:
    """Yield (name, bound method, pluggy's options) of each hookimpl of *obj*; properties are not evaluated."""
    for name in dir(obj):
        if name.startswith("__"):
            continue
        opts = getattr(_function(obj, name), f"{PROJECT}_impl", None)
        if isinstance(opts, dict):
            yield opts.get("specname") or name, getattr(obj, name), opts


def _function(obj: object, name: str) -> object:
    """Return the function behind an attribute, without evaluating a property."""
    static = inspect.getattr_static(obj, name, None)
    return static.__func__ if isinstance(static, staticmethod | classmethod) else static


def _unmarked(obj: object, hooks: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """Yield the methods of *obj* that are called like a hook and lack the marker."""
    for name in hooks.keys() & set(dir(obj)):
        func = _function(obj, name)
        if inspect.isfunction(func) and not hasattr(func, f"{PROJECT}_impl") and not hasattr(func, f"{PROJECT}_spec"):
            yield name


def _complain(who: str, name: str, what: str) -> PluginError:
    return PluginError(f"{who}: hook {name!r} {what}")


def check_hookimpls(
    obj: object, hooks: Mapping[str, tuple[str, ...]], who: str, *, wrappers: bool | None = None
) -> dict[str, _Op]:
    """Check the hookimpls of *obj* against *hooks* and return them, name → bound method.

    Args:
        obj: A plugin, an implementer or a layer.
        hooks: What `spec_hooks` says.
        who: The plugin (and its distribution), for the message.
        wrappers: Whether they all must be wrappers (True), none may be (False), or either (None).

    Raises:
        PluginError: a name that is no hook, an argument that the hook has not, an argument with a default, a wrapper
            that is no generator, two bodies for one hook, a body without its marker, or a class where its instance
            belongs.
    """
    if inspect.isclass(obj):
        raise PluginError(f"{who}: {obj.__name__} is a class; pass an instance")
    for name in sorted(_unmarked(obj, hooks)):
        raise _complain(who, name, "is not marked with @hookimpl, and would never be called")
    found: dict[str, _Op] = {}
    for name, method, opts in hookimpls_of(obj):
        if name not in hooks:
            near = difflib.get_close_matches(name, hooks, 1)
            raise _complain(who, name, f"is not in the spec{f'; did you mean {near[0]!r}?' if near else ''}")
        if name in found:
            raise _complain(who, name, "has two bodies; keep one")
        if opts.get("hookwrapper"):
            raise _complain(who, name, "uses hookwrapper=True; use wrapper=True, whose generator returns the result")
        if wrappers is not None and bool(opts.get("wrapper")) != wrappers:
            should = (
                "must be a wrapper (@hookimpl(wrapper=True)) in a layer" if wrappers else "cannot be a wrapper here"
            )
            raise _complain(who, name, should)
        if opts.get("wrapper") and not inspect.isgeneratorfunction(method):
            raise _complain(who, name, "is a wrapper without a yield")
        for param in inspect.signature(method).parameters.values():
            if param.kind in (param.VAR_POSITIONAL, param.VAR_KEYWORD, param.KEYWORD_ONLY):
                raise _complain(who, name, f"takes {param}; name its arguments: ({', '.join(hooks[name])})")
            if param.name not in hooks[name]:
                raise _complain(who, name, f"has no argument {param.name!r}; it has ({', '.join(hooks[name])})")
            if param.default is not param.empty:
                raise _complain(
                    who, name, f"gives the argument {param.name!r} a default, which versions of pluggy disagree about"
                )
        found[name] = method
    return found


def _positional(method: _Op, spec_args: tuple[str, ...]) -> _Op:
    """Return *method* callable with all of the spec's arguments by position; it may take fewer, in any order."""
    takes = tuple(inspect.signature(method).parameters)
    if takes == spec_args:
        return method
    picks = tuple(spec_args.index(name) for name in takes)

    def pick(*args: Any) -> Any:
        return method(*[args[i] for i in picks])

    return pick


_CALL: Final = """
def call({args}):
    gen = wrapper({args})
    try:
        gen.send(None)
    except StopIteration:
        raise complain(who, name, "returned before its yield") from None
    try:
        result = inner({args})
    except BaseException as exc:  # noqa: BLE001  # the wrapper decides, as in pluggy
        return thrown(gen, exc, who, name)
    try:
        gen.send(result)
    except StopIteration as stop:
        return stop.value
    return twice(gen, who, name)
"""
"""A call of a wrapped op. It is made from text for each number of arguments, because ``*args`` costs a fifth more."""

_calls: Final[dict[int, Any]] = {}


def _thrown(gen: Generator[None, Any, Any], exc: BaseException, who: str, name: str) -> Any:
    """Go on with a wrapper whose op raised *exc*."""
    try:
        gen.throw(exc)
    except StopIteration as stop:
        return stop.value
    return _twice(gen, who, name)


def _twice(gen: Generator[None, Any, Any], who: str, name: str) -> NoReturn:
    gen.close()
    raise _complain(who, name, "yielded twice")


def _wrapped(wrapper: _Op, inner: _Op, who: str, name: str, arity: int) -> _Op:
    """Return *inner*, of *arity* arguments, with the generator function *wrapper* around it."""
    code = _calls.get(arity)
    if code is None:
        text = _CALL.format(args=", ".join(f"a{n}" for n in range(arity)))
        code = _calls[arity] = compile(text, f"<{__name__}: {arity} arguments>", "exec")
    space: dict[str, Any] = {
        "wrapper": wrapper,
        "inner": inner,
        "who": who,
        "name": name,
        "thrown": _thrown,
        "twice": _twice,
        "complain": _complain,
    }
    exec(code, space)
    call: _Op = space.pop("call")
    return call


_BULK: Final[Mapping[str, frozenset[str]]] = {
    "vop_view": frozenset({"vop_read", "vop_readinto"}),
    "vop_read_ranges": frozenset({"vop_read", "vop_readinto"}),
    "vop_read_many": frozenset(
        {"vop_lookup", "vop_access", "vop_open", "vop_getattr", "vop_read", "vop_readinto", "vop_close"}
    ),
    "vop_read_ranges_many": frozenset(
        {"vop_lookup", "vop_access", "vop_open", "vop_read", "vop_readinto", "vop_read_ranges", "vop_close"}
    ),
    "vop_write_many": frozenset(
        {"vop_lookup", "vop_access", "vop_create", "vop_open", "vop_setattr", "vop_write", "vop_close"}
    ),
    "vop_copy_many": frozenset(
        {
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
        }
    ),
    "vop_remove_many": frozenset({"vop_lookup", "vop_access", "vop_remove"}),
    "vop_find": frozenset({"vop_lookup", "vop_access", "vop_getattr", "vop_readdir"}),
}
"""An op that answers for others at once → those others."""


def _around(bodies: dict[str, _Op], layer: Mapping[str, _Op], vector: type[_Vector], who: str) -> None:
    """Put the wrappers of one more *layer* around *bodies*, and keep every way around them shut."""
    for bulk, parts in _BULK.items():
        if bulk in bodies and bulk not in layer and not parts.isdisjoint(layer):
            bodies[bulk] = vector.defaults[bulk]
    if "vop_getattr" in layer and "vop_readdir" not in layer:
        bodies["vop_readdir"] = genfs_readdir_plain(bodies["vop_readdir"])
    for name, method in layer.items():
        args = vector.hooks[name]
        bodies[name] = _wrapped(_positional(method, args), bodies[name], who, name, len(args))
    # One way of reading stands for the other: bound to the body just made, so that each layer is met once.
    if "vop_read" in layer and "vop_readinto" not in layer:
        bodies["vop_readinto"] = genfs_readinto_by(bodies["vop_read"])
    elif "vop_readinto" in layer and "vop_read" not in layer:
        bodies["vop_read"] = genfs_read_by(bodies["vop_readinto"])


class _Vector:
    """Common part of the vectors: slots named after the hooks of a spec."""

    __slots__ = ("__weakref__", "implementer", "layers", "served", "wrapped")

    hooks: ClassVar[dict[str, tuple[str, ...]]]
    defaults: ClassVar[Mapping[str, _Op]]
    _known: ClassVar[weakref.WeakValueDictionary[tuple[int, ...], Any]]
    _lock: ClassVar[RLock]

    def __init__(self, implementer: object, layers: Sequence[object], who: str) -> None:
        self.implementer = implementer
        self.layers = tuple(layers)
        own = check_hookimpls(implementer, self.hooks, who, wrappers=False)
        self.served = frozenset(own)
        """The ops that the implementer has itself: what it can do is read off here."""
        wrapped: set[str] = set()
        bodies = {name: _positional(own[name], args) for name, args in self.hooks.items() if name in own}
        for name in self.hooks:
            bodies.setdefault(name, self.defaults.get(name, eopnotsupp))
        if "vop_read" in own and "vop_readinto" not in own:
            bodies["vop_readinto"] = genfs_readinto_by(bodies["vop_read"])
        elif "vop_readinto" in own and "vop_read" not in own:
            bodies["vop_read"] = genfs_read_by(bodies["vop_readinto"])
        if "d_read" in own and "d_readinto" not in own:
            bodies["d_readinto"] = genfs_d_readinto_by(bodies["d_read"])
        elif "d_readinto" in own and "d_read" not in own:
            bodies["d_read"] = genfs_d_read_by(bodies["d_readinto"])
        if "d_read_ranges" in bodies and "d_read_ranges" not in own:
            bodies["d_read_ranges"] = genfs_d_read_ranges_by(bodies["d_read"])
        for layer in reversed(self.layers):
            whose = f"{who}, layer {layer_name(layer)!r}"
            around = check_hookimpls(layer, _ALL_HOOKS, whose, wrappers=True)
            mine = {name: method for name, method in around.items() if name in self.hooks}
            _around(bodies, mine, type(self), whose)
            wrapped |= mine.keys()
        self.wrapped = frozenset(wrapped)
        """The ops that some layer is around."""
        for name, body in bodies.items():
            setattr(self, name, body)

    @classmethod
    def compile(cls, implementer: object, layers: Sequence[object] = (), who: str = "") -> Self:
        """Return the vector of *implementer* under *layers* (the first is the outermost), made at most once.

        Raises:
            PluginError: a hookimpl that does not fit the spec; the message names *who*.
        """
        key = (id(implementer), *map(id, layers))
        with cls._lock:
            vector = cls._known.get(key)
            if vector is None:
                vector = cls._known[key] = cls(implementer, layers, who or type(implementer).__qualname__)
        return vector


def layer_name(layer: object) -> str:
    """Return what a layer calls itself: its ``name``, else its class."""
    name = getattr(layer, "name", None)
    return name if isinstance(name, str) else type(layer).__name__


if TYPE_CHECKING:
    # What a reader and a type checker see: the slots have the signatures of the spec.
    class OpVector(_Vector, VnodeOps):
        """The vnode ops of a mount: one slot for each hook of `spec.VnodeOps`."""

    class VfsVector(_Vector, VfsOps):
        """The vfs ops of a mount: one slot for each hook of `spec.VfsOps`."""

    class DevVector(_Vector, DeviceOps):
        """The ops of a device driver: one slot for each hook of `spec.DeviceOps`."""

else:

    class OpVector(_Vector):
        """The vnode ops of a mount: one slot for each hook of `spec.VnodeOps`."""

        hooks = spec_hooks(VnodeOps)
        defaults = VNODE_DEFAULTS
        _known: ClassVar = weakref.WeakValueDictionary()
        _lock = new_lock()
        __slots__ = tuple(hooks)

    class VfsVector(_Vector):
        """The vfs ops of a mount: one slot for each hook of `spec.VfsOps`."""

        hooks = spec_hooks(VfsOps)
        defaults = VFS_DEFAULTS
        _known: ClassVar = weakref.WeakValueDictionary()
        _lock = new_lock()
        __slots__ = tuple(hooks)

    class DevVector(_Vector):
        """The ops of a device driver: one slot for each hook of `spec.DeviceOps`."""

        hooks = spec_hooks(DeviceOps)
        defaults = DEV_DEFAULTS
        _known: ClassVar = weakref.WeakValueDictionary()
        _lock = new_lock()
        __slots__ = tuple(hooks)


_ALL_HOOKS: Final = {**OpVector.hooks, **VfsVector.hooks}
