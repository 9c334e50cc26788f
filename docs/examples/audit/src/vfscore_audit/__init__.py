"""A layer that notes who changes which names: ``ns.mount("rumpfs", "/srv", layers=["audit"])``.

What is tried goes to the logger ``vfscore_audit``, one record each, with the errno of what fails. It sees bulk changes
too: a layer that is around an op turns its bulk form into the loop over it.
"""

import errno
import logging
from collections.abc import Generator, Mapping
from typing import Any

from vfscore.plugin import ComponentName, Layer, err, hookimpl

LOG = logging.getLogger("vfscore_audit")
Around = Generator[None, Any, Any]


def noted(op: str, *names: ComponentName) -> Around:
    outcome = "done"
    try:
        return (yield)
    except BaseException as exc:
        outcome = errno.errorcode.get(getattr(exc, "errno", 0), repr(exc))
        raise
    finally:
        LOG.info("uid %d: %s %s: %s", names[0].cred.uid, op, " -> ".join(cnp.name for cnp in names), outcome)


def around(op: str) -> Any:
    @hookimpl(wrapper=True)
    def wrapper(self: object, cnp: ComponentName) -> Around:
        return (yield from noted(op, cnp))

    return wrapper


class Audit:
    name = "audit"
    vop_create, vop_mkdir, vop_mknod, vop_symlink = map(around, ("create", "mkdir", "mknod", "symlink"))
    vop_link, vop_remove, vop_rmdir = map(around, ("link", "remove", "rmdir"))

    @hookimpl(wrapper=True)
    def vop_rename(self, fcnp: ComponentName, tcnp: ComponentName) -> Around:
        return (yield from noted("rename", fcnp, tcnp))


def make(options: Mapping[str, Any]) -> Audit:
    if options:
        raise err(errno.EINVAL, hint="audit has no options")
    return Audit()


@hookimpl
def vfs_layers() -> list[Layer]:
    return [Layer("audit", make)]
