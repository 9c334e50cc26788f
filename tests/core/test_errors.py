"""Errors that are kept as values."""

import errno

import pytest

from vfscore.errors import bare, err


def test_error_kept_as_a_value_holds_no_frame_of_what_led_to_it():
    try:
        try:
            raise err(errno.EIO)
        except OSError as first:
            raise err(errno.ENOENT) from first
    except OSError as exc:
        kept = bare(exc)

    assert kept.__traceback__ is None
    assert kept.__cause__.__traceback__ is None
    assert (kept.errno, kept.__cause__.errno) == (errno.ENOENT, errno.EIO)


def test_error_that_was_raised_from_itself_can_be_kept():
    fault = err(errno.EIO)
    with pytest.raises(OSError, match="Input") as caught:
        raise fault from fault

    assert caught.value.__cause__ is fault
    assert bare(fault).__traceback__ is None
