"""The layers that come with the core: `readonly`, `trace` and `faults`, around the ops of any mount or binding.

A layer is an object with pluggy wrappers (``@hookimpl(wrapper=True)``) that `opv` puts around the ops of one mount;
these three are no different from anybody's. The wrappers of many ops are made from one generator function (`wrapper`);
`names` follows which vnode has which path.
"""

from __future__ import annotations

from typing import Final

from vfscore.layers import faults, readonly, trace
from vfscore.layers.faults import FaultCount, FaultRule, Faults
from vfscore.layers.readonly import ReadOnly
from vfscore.layers.trace import Trace, TraceEvent
from vfscore.spec import Layer

__all__ = ["LAYERS", "FaultCount", "FaultRule", "Faults", "ReadOnly", "Trace", "TraceEvent"]

LAYERS: Final = [
    Layer("readonly", readonly.make),
    Layer("trace", trace.make),
    Layer("faults", faults.make),
]
"""What the loader is handed."""
