"""The contract of a layer; and what it notes."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable

import pytest
from vfscore.plugin import ComponentName, Cred, NameiOp
from vfscore.testing import LayerTests, Namespace, raises

import vfscore_audit
from vfscore_audit import Audit, noted


class TestAudit(LayerTests):
    @pytest.fixture
    def make(self) -> Callable[[], Audit]:
        return Audit


def test_each_change_of_a_name_is_noted_with_who_and_what_came_of_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vfscore_audit")
    with Namespace(plugins=[vfscore_audit]) as ns:
        ns.mount("rumpfs", "/m", layers=["audit"])
        ns.sys.chmod("/m", 0o777)
        user = ns.as_user(1000, 1000)
        user.sys.mkdir("/m/d")
        user.sys.rename("/m/d", "/m/e")
        ns.sys.write_many([("/m/e/f", b""), ("/m/e/g", b"")])
        with raises(errno.ENOTEMPTY):
            ns.sys.rmdir("/m/e")

    assert caplog.messages == [
        "uid 1000: mkdir d: done",
        "uid 1000: rename d -> e: done",
        "uid 0: create f: done",
        "uid 0: create g: done",
        "uid 0: rmdir e: ENOTEMPTY",
    ]


def test_what_is_no_error_of_the_system_is_not_noted_as_done(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vfscore_audit")
    trying = noted("create", ComponentName("f", NameiOp.CREATE, Cred(7, 7)))
    next(trying)

    with pytest.raises(ZeroDivisionError):
        trying.throw(ZeroDivisionError("a bug below"))

    assert caplog.messages == ["uid 7: create f: ZeroDivisionError('a bug below')"]


def test_an_option_that_it_does_not_know_is_einval() -> None:
    with Namespace(plugins=[vfscore_audit]) as ns, raises(errno.EINVAL):
        ns.mount("rumpfs", "/m", layers=[{"type": "audit", "log": "x"}])
