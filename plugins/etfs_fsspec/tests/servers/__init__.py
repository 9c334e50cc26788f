"""Real servers on loopback, for the tests of this plugin: each a session fixture, started when first asked for.

A server's program is installed once per machine, into a directory of its own (`programs`), because its dependencies
clash with those of the clients; nothing is installed when no selected test asks for it. A server runs as long as the
session, on a port of its own (`process`), with its log kept for the report of a test that failed. What a fixture gives
has a back door to plant through, which does not go through what is tested.
"""
