"""What a path resolves to, step by step, and who answers for it (`explain`); and what a tree looks like (`tree`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from vfscore.mount import SYNTHETIC, describe_layers
from vfscore.namei import check_path
from vfscore.spec.backend import FullBackend
from vfscore.syscalls.direntry import DirEntry
from vfscore.syscalls.openfile import named
from vfscore.syscalls.walking import Walking
from vfscore.types import SYMLOOP_MAX, ComponentName, NameiOp, VType
from vfscore.vnode import Vnode

if TYPE_CHECKING:
    from vfscore.syscalls.view import AnyPath

__all__ = ["Explaining", "Explanation", "Step"]


class Step(NamedTuple):
    """One component of a path."""

    path: str
    """How far the walk has come."""
    kind: str
    """What is there: ``directory``, ``regular file``, ``symbolic link``, …, ``nothing``."""
    what: str
    """Why: an entry, a mount, a key, a link followed, a directory on the way to a key."""


class Explanation(NamedTuple):
    """What a path resolves to."""

    path: str
    exists: bool
    steps: tuple[Step, ...]
    mount: str
    """Where the mount or binding hangs that answers for the path."""
    type: str
    """Its type: ``rumpfs``, ``etfs``, …"""
    source: str
    """What was mounted or bound there."""
    hostpath: str | None
    """Where the path is in the backend's words, if it has such."""
    backend: str | None
    """The backend's class, for a binding."""
    layers: tuple[str, ...]
    """The layers around the ops, outermost first."""
    capabilities: tuple[str, ...]
    """The ops that are served, read off the vector (or off the backend); of a device node, those of its driver."""
    device: Mapping[str, Any] = MappingProxyType({})
    """Of a device node: its number and its driver, and what that tells: the range, counters…"""
    module: str = ""
    """Whose code answers: the module of the backend's class, or of the ops of the file system."""

    def __str__(self) -> str:
        lines = [f"{step.path}  {step.kind}  {step.what}" for step in self.steps]
        lines.append(f"mount     {self.mount} ({self.type})")
        lines.append(f"source    {self.source}")
        if self.backend is not None:
            lines.append(f"backend   {self.backend}")
        if self.hostpath is not None:
            lines.append(f"hostpath  {self.hostpath}")
        lines.append(f"layers    {', '.join(self.layers) or '-'}")
        lines.append(f"can       {', '.join(self.capabilities) or '-'}")
        if self.device:
            lines.append(f"device    {', '.join(f'{name} {value}' for name, value in self.device.items())}")
        return "\n".join(lines)


_CAPABILITIES = frozenset(name for name in vars(FullBackend) if not name.startswith("_")) | {"getattr", "open"}
_CAPABILITIES -= {"close", "describe", "enter", "hostpath", "invalidate", "portable", "set_fsid"}
_KINDS = {
    VType.VREG: "regular file",
    VType.VDIR: "directory",
    VType.VLNK: "symbolic link",
    VType.VBLK: "block device",
    VType.VCHR: "character device",
    VType.VSOCK: "socket",
    VType.VFIFO: "fifo",
}


class Explaining(Walking):
    """The part of `Sys` that explains."""

    __slots__ = ()

    def explain(self, path: AnyPath) -> Explanation:
        """Return what *path* resolves to, step by step, links followed; a path that is not there is explained too."""
        name = self._str(path)
        try:
            return self._explain(name)
        except OSError as exc:
            raise named(exc, path) from exc.__cause__

    def _explain(self, name: str) -> Explanation:
        check_path(name)
        absolute = name[:1] == "/"
        vp: Vnode = (None if absolute else self.cwd) or self.table.root.directory()
        here = "/" if absolute else self.getcwd()
        steps = [Step(here, "directory", _hangs(vp) or "the working directory")]
        rel: list[str] = []
        todo = [part for part in reversed(name.split("/")) if part and part != "."]
        links = 0
        exists = True
        while todo:
            part = todo.pop()
            if part == "..":
                up = self.namei.dotdot(vp)
                if up is None:
                    exists = False
                    break
                vp, here = up, here.rpartition("/")[0] or "/"
                rel = rel[:-1]
                steps.append(Step(here, "directory", "the parent"))
                continue
            here = here.rstrip("/") + "/" + part
            child = None
            if vp.v_type is VType.VDIR:
                child = self.namei.child(vp, ComponentName(part, NameiOp.LOOKUP, self.cred, (), not todo, False))
            if child is not None and child.v_type is VType.VLNK:
                links += 1
                if links > SYMLOOP_MAX:
                    exists = False
                    steps.append(Step(here, "symbolic link", "one too many: links that lead round in a circle"))
                    break
                target = self.namei.target(child)
                steps.append(Step(here, "symbolic link", f"leads to {target}"))
                if child.v_mount.mnt_type != "etfs":
                    if target[0] == "/":
                        vp, here, rel = self.table.root.directory(), "/", []
                    else:
                        here = here.rpartition("/")[0] or "/"
                    todo += [p for p in reversed(target.split("/")) if p and p != "."]
                    continue
                # The storage follows its own: what it finds is under the name of the link.
                child = self.namei.child(vp, ComponentName(part, NameiOp.LOOKUP, self.cred, (), not todo, True))
            if child is None:
                exists = False
                steps.append(Step(here, "nothing", f"not in {vp.v_mount.mnt_type}"))
                rel += [part, *reversed(todo)]
                break
            rel = [] if child is child.v_mount.mnt_root else [*rel, part]
            vp = child
            steps.append(
                Step(here, _KINDS.get(vp.v_type, "nothing"), _hangs(vp) or f"an entry of {vp.v_mount.mnt_type}")
            )
        return self._told(name, exists, steps, vp, "/".join(rel))

    def _told(self, name: str, exists: bool, steps: list[Step], vp: Vnode, rel: str) -> Explanation:
        mp = vp.v_mount
        data = mp.mnt_data
        backend: Any = getattr(data, "backend", None)
        if backend is None and hasattr(data, "ready"):
            # A binding that nobody has used yet.
            try:
                backend = data.ready()
            except OSError as exc:
                exists = False
                steps.append(Step(mp.at, "nothing", f"the source cannot be used: {exc.strerror}"))
        hostpath = getattr(backend, "hostpath", None)
        isdev = vp.v_type in (VType.VBLK, VType.VCHR)
        devsw = mp.mnt_devsw if isdev and exists else None
        if isdev:
            ops = frozenset() if devsw is None else devsw.served(vp, self.cred)
            can = sorted(op.removeprefix("d_") for op in ops if op != "d_describe")
        elif backend is not None:
            can = sorted(op for op in _CAPABILITIES if callable(getattr(backend, op, None)))
        else:
            can = sorted(op.removeprefix("vop_") for op in mp.v_op.served)
        return Explanation(
            name,
            exists,
            tuple(steps),
            mp.at,
            mp.mnt_type,
            "-" if mp.mnt_from is None else str(mp.mnt_from),
            None if hostpath is None else str(hostpath(rel)),
            None if backend is None else type(backend).__name__,
            tuple(describe_layers(mp)),
            tuple(can),
            {} if devsw is None else devsw.describe(vp, self.cred),
            type(mp.v_op.implementer if backend is None else backend).__module__,
        )

    # -- drawing -------------------------------------------------------------------------------------------------------

    def tree(self, top: AnyPath = "/", maxdepth: int | None = None, limit: int = 10_000) -> str:
        """Return a drawing of what lies below *top*, with where each key and mount leads.

        Args:
            maxdepth: Levels to show; None: all.
            limit: Lines after which the drawing is cut, and says so.
        """
        path = self._str(top)
        lines = [self._drawn(path, path)]
        todo = self._branches(path, "") if maxdepth is None or maxdepth > 0 else []
        while todo:
            if len(lines) >= limit:
                lines.append("…")
                break
            entry, indent, last = todo.pop()
            drawn = f"{indent}{'└── ' if last else '├── '}{self._drawn(entry.name, entry.path)}"
            below = indent + ("    " if last else "│   ")
            if entry.is_dir(follow_symlinks=False) and (maxdepth is None or len(below) // 4 < maxdepth):
                try:
                    todo += self._branches(entry.path, below)
                except OSError as exc:
                    drawn += f"  [{exc.strerror}]"
            lines.append(drawn)
        return "\n".join(lines)

    def _branches(self, path: str, indent: str) -> list[tuple[DirEntry, str, bool]]:
        """Return (entry, indent, whether it is the last) of what is in the directory *path*, the first at the end."""
        with self.scandir(path) as found:
            entries = sorted(found, key=lambda entry: str(entry.name), reverse=True)
        return [(entry, indent, i == 0) for i, entry in enumerate(entries)]

    def _drawn(self, name: str, path: str) -> str:
        graft = self.table.find([part for part in path.split("/") if part])
        if graft is None or not graft.mounts:
            try:
                return f"{name} -> {os.fsdecode(self.readlink(path))}"
            except OSError:
                return name
        mp = graft.mounts[-1]
        names = describe_layers(mp)
        layers = "".join(f" +{layer}" for layer in names)
        readonly = " ro" if mp.mnt_rdonly and "readonly" not in names else ""
        source = "" if mp.mnt_from is None else f" {mp.mnt_from}"
        return f"{name}  [{mp.mnt_type}{source}{layers}{readonly}]"


def _hangs(vp: Vnode) -> str:
    mp = vp.v_mount
    if vp is mp.mnt_root:
        kind = "key" if mp.mnt_type == "etfs" else "mount"
        return f"{kind} {mp.at}: {mp.mnt_type} {mp.mnt_from if mp.mnt_from is not None else ''}".rstrip()
    if mp.mnt_type == SYNTHETIC:
        return "a directory on the way to a key"
    return ""
