"""Asking all plugins, until one has an answer: what pluggy does here.

Locks: none; immutable once made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pluggy

from vfscore.errors import PluginError
from vfscore.loader.found import Plugin
from vfscore.loader.tracing import unwatched
from vfscore.spec import PROJECT, Registration

__all__ = ["Asking"]


class Asking:
    """Asks *given* first, then *entry_points*, both in their order but for ``tryfirst`` and ``trylast``."""

    def __init__(self, entry_points: Sequence[Plugin], given: Sequence[Plugin]) -> None:
        self._plugins = {plugin.name: plugin for plugin in (*reversed(entry_points), *reversed(given))}
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Registration)
        for plugin in self._plugins.values():
            self._manager.register(_Asked(plugin), plugin.name)

    def first(self, hook: str, **kwargs: Any) -> Any:
        """Return the first answer to *hook* that is not None.

        An OSError is an answer. A plugin that fails otherwise is passed over, and blamed when nobody else answers.
        """
        failed: list[object] = []
        blame: PluginError | None = None
        while True:
            caller = self._manager.subset_hook_caller(hook, failed)
            try:
                answer = caller(**kwargs)
            except OSError as exc:
                if blame is not None:
                    raise blame from exc  # a plugin failed before, and what claimed instead cannot serve it
                raise
            except Exception as exc:  # a stranger's code can raise anything, and must not keep others from answering
                culprit = _culprit(exc, caller)
                if culprit is None:
                    raise
                failed.append(culprit.plugin)
                plugin = self._plugins[culprit.plugin_name]
                error = PluginError(f"{plugin}: hook {hook!r} failed: {type(exc).__name__}: {exc}")
                error.__cause__ = exc
                blame = blame or error
                continue
            if answer is None and blame is not None:
                raise blame
            return answer


class _Asked:
    """The hooks of a plugin and nothing else of it, for pluggy to look at: no property of it is evaluated."""

    def __init__(self, plugin: Plugin) -> None:
        vars(self).update(plugin.hooks)


def _culprit(exc: BaseException, caller: pluggy.HookCaller) -> pluggy.HookImpl | None:
    """Return whose hook it was that *exc* came out of; a traced one is looked at beneath its trace."""
    bodies = {getattr(unwatched(impl.function), "__code__", None): impl for impl in caller.get_hookimpls()}
    tb = exc.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code in bodies:
            return bodies[tb.tb_frame.f_code]
        tb = tb.tb_next
    return None
