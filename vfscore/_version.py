"""The version of the core and, in lockstep, of the plugins beside it."""

__version__ = "0.1.0"
