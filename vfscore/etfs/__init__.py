"""etfs: files and directories from elsewhere, grafted into the tree at any path.

A *binding* is one registered source: a `Mount` whose root may be a file, a device or a directory, over one `Backend`
(`binding`, `vfsops`). `node` is what a vnode of it keeps, `io` its open handles. The vnode ops, once for all backends,
are in `names` (with `finding` and `listing`), `files`, `attrs` and `many`. `window` has the arithmetic of byte ranges,
`pathlock` the order among changes of one path.

Locks: no lock is held during any Backend call, but the one that makes changes of one path (or of one open file) wait
for one another.
"""

from __future__ import annotations

from vfscore.etfs.binding import Binding
from vfscore.etfs.vfsops import ETFS, bind, unbind

__all__ = ["ETFS", "Binding", "bind", "unbind"]
