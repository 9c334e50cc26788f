"""What the spec promises, and which test keeps it.

A promise is an errno in the section ``Errors:`` of a docstring in `vfscore.spec`, one line each::

    Errors:
        EEXIST: the name is taken.

The rule: an errno E of the op O is kept by a test of the suite for O's spec that is called
``test_<o>_<words>_is_<e>`` or ``test_<o>_is_<e>``, where <o> is O without its prefix ``vop_``, ``vfs_`` or ``d_``, and
<e> is E in small letters. Of several ops whose names a test begins with, it is of the longest:
``test_read_ranges_of_…`` says nothing about `vop_read`.
"""

import errno
import inspect
import re
from typing import NamedTuple

_PREFIX = re.compile(r"^(vop|vfs|d)_")
_SECTION = re.compile(r"^Errors:\n((?:[ \t]+.*\n|\n)*)", re.MULTILINE)
_LINE = re.compile(r"^    (E[A-Z0-9]+):", re.MULTILINE)


class Promise(NamedTuple):
    op: str
    errno: str

    def __str__(self):
        return f"test_{_PREFIX.sub('', self.op)}_…_is_{self.errno.lower()}"


def promises(*specs):
    """Return what the docstrings of the methods of *specs* promise."""
    found = []
    for spec in specs:
        for name, method in vars(spec).items():
            if name.startswith("_") or not inspect.isfunction(method):
                continue
            for section in _SECTION.findall(inspect.cleandoc(method.__doc__ or "") + "\n"):
                for code in _LINE.findall(section):
                    assert hasattr(errno, code), f"{name}: {code} is no errno"
                    found.append(Promise(name, code))
    return found


def kept(promise, ops, tests):
    """Return those of the names *tests* that keep *promise*; *ops* are all the ops of its spec."""
    bare = sorted((_PREFIX.sub("", op) for op in ops), key=len, reverse=True)
    mine = _PREFIX.sub("", promise.op)
    ending = f"_is_{promise.errno.lower()}"
    return [
        test
        for test in tests
        if test.endswith(ending) and next((op for op in bare if test.startswith(f"test_{op}_")), None) == mine
    ]


def ops_of(*specs):
    """Return the names of the ops of *specs*."""
    return [name for spec in specs for name, m in vars(spec).items() if inspect.isfunction(m) and name[0] != "_"]


def names_in(*suites):
    """Return the names of the tests of *suites*, inherited ones too."""
    return [name for suite in suites for name in dir(suite) if name.startswith("test_")]


def broken(specs, suites):
    """Return the promises of *specs* that no test of *suites* keeps."""
    ops, tests = ops_of(*specs), names_in(*suites)
    return [promise for promise in promises(*specs) if not kept(promise, ops, tests)]
