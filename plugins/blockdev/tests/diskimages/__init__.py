"""Disks for the tests: `writer` writes partition tables, `programs` has the host's, `ranges` a server that counts."""
