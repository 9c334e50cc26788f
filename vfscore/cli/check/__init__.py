"""`vfs plugin check`: is a plugin what vfscore's contract asks for, and if not, what is wrong and where to read.

`target` finds out what is meant and where its tests are, without importing any of it. All else happens in a process of
its own (`inside`), because a plugin may hang or crash: `contract` holds it against the spec, `suites` is the pytest
plugin that runs its conformance suites. That process writes an event for each thing it finds or begins, one JSON object
a line; `verdict` makes a `Verdict` of these, and of how the process ended.
"""
