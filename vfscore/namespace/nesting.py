"""A namespace inside a namespace: a binding whose storage is itself a view of one.

That is fine as long as no way down leads back to where it began: such a binding would make the tree endless. A backend
says so by its attribute `namespace`. Locks: none.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from vfscore.errors import err
from vfscore.etfs import Binding

if TYPE_CHECKING:
    from vfscore.namespace.hanging import Hanging
    from vfscore.spec import Backend

__all__ = ["refuse_loop"]


def refuse_loop(ns: Hanging, backend: Backend) -> None:
    """Refuse *backend* as a part of *ns* if it shows *ns* itself, directly or through others.

    Errors:
        ELOOP: it does.
    """
    inner: Hanging | None = getattr(backend, "namespace", None)
    todo = [] if inner is None else [inner]
    seen: list[Hanging] = []
    while todo:
        inner = todo.pop()
        if inner is ns:
            raise err(errno.ELOOP, hint="the source shows the very tree that it is to be a part of")
        if inner in seen:
            continue
        seen.append(inner)
        for mp in inner._table.mounts():
            binding = mp.mnt_data
            if isinstance(binding, Binding) and binding.backend is not None:
                further = getattr(binding.backend, "namespace", None)
                if further is not None:
                    todo.append(further)
