"""What goes over the wire: requests counted, and faults put in between clients and real servers.

`proxy` stands between a client and an HTTP server, `cutter` before any other; `log` says what passed; `tally` counts
what was broken and what was looked at afterwards; `memory_s3` is a server of its own for measuring, quick enough not to
be what is measured.
"""
