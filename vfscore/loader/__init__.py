"""Finding plugins, checking them, and asking them: what a namespace knows beyond its own.

A plugin is a module or object with hooks of `spec.Registration`, found through the entry point group ``vfscore`` or
handed to the namespace. Entry points are looked at when first something is asked that the core does not have; each is
imported and checked by itself, once per process, and one that is broken is put aside with its reason (`Plugins.status`)
while the others serve. With *strict* it is an error instead.

Two environment variables, read when a namespace is made, hold names of plugins or distributions, separated by commas:
``VFSCORE_PLUGINS`` allows these and no others (empty: none), ``VFSCORE_DISABLE_PLUGINS`` blocks these. Neither touches
objects that were handed over. A third one, ``VFSCORE_TRACE``, holds globs of hooks: each call of those is told to the
logger ``vfscore.trace``, or on standard error (see `tracing`).

Of two plugins that claim one name the first counts: what comes with the core, then what was handed over, then entry
points by name. The backends of a source are asked in pluggy's order: the last registered first, so what was handed over
comes before entry points; ``trylast`` is for those that take whatever is left.

`found` is one plugin and its checks; `plugins` is all those of one namespace, `known` what these bring, `asking` how
they are asked; `environment` and `tracing` are the variables and what the third of them is for.
"""

from __future__ import annotations

from vfscore.loader.environment import ALLOW, BLOCK, TRACE
from vfscore.loader.found import Plugin, PluginStatus, entry_points
from vfscore.loader.plugins import Plugins

__all__ = ["ALLOW", "BLOCK", "TRACE", "Plugin", "PluginStatus", "Plugins", "entry_points"]
