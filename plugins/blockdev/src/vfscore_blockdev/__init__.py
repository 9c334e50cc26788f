"""Block and character devices (major 197) over byte ranges of anything a ``Backend`` can open.

This release claims the place and registers nothing yet: it has no hook, so ``blk`` and ``chr`` bindings are still
refused.
"""
