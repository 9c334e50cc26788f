"""Block and character devices (major 197) over byte ranges of anything a ``Backend`` can open.

`tables` reads partition tables. There is no driver yet, so ``blk`` and ``chr`` bindings are still refused.
"""

from __future__ import annotations

from vfscore_blockdev.tables import device_partitions

__all__ = ["device_partitions"]
