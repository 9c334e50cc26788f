"""Block and character devices (major 197) over byte ranges of anything a ``Backend`` can open.

This release keeps the place and registers nothing yet: it has neither hook nor entry point, so ``blk``
and ``chr`` bindings are still refused.
"""
