"""Every hook says what it does, in the house's form: a sentence, then headings in one order, errnos that exist."""

import errno
import inspect
import re

import pytest

from vfscore.opv import spec_hooks
from vfscore.spec import DeviceOps, Registration, VfsOps, VnodeOps
from vfscore.spec.backend import FullBackend, FullHandle

HEADINGS = ["Args", "Returns", "Errors"]
ONE_LINE_OK = re.compile(r"\.|\?$")

HOOKS = [
    pytest.param(spec, name, args, id=f"{spec.__name__}.{name}")
    for spec in (VnodeOps, VfsOps, DeviceOps, Registration)
    for name, args in spec_hooks(spec).items()
]
METHODS = [
    pytest.param(spec, name, id=f"{spec.__name__}.{name}")
    for spec in (FullBackend, FullHandle)
    for name in sorted(dir(spec))
    if not name.startswith("_")
]


def doc_of(spec, name):
    doc = inspect.getdoc(getattr(spec, name))
    assert doc, f"{name} has no docstring"
    return doc


def sections(doc):
    """Return heading → its lines; the summary is under ``""``."""
    found = {"": []}
    heading = ""
    for line in doc.splitlines():
        if match := re.fullmatch(r"([A-Z]\w+):", line):
            heading = match[1]
            assert heading not in found, f"{heading}: twice"
            found[heading] = []
        else:
            if heading and line and not line.startswith(" "):
                heading = ""
            found[heading].append(line)
    return found


def entries(lines):
    """Return (name, text) of each entry of a section."""
    return re.findall(r"^    (\*{0,2}\w+): (.+)$", "\n".join(lines), re.MULTILINE)


@pytest.mark.parametrize(("spec", "name", "args"), HOOKS)
def test_hook_begins_with_a_sentence(spec, name, args):
    first, *rest = doc_of(spec, name).splitlines()

    assert first[0].isupper() or first[0] == "*"
    assert first.endswith((".", "?"))
    assert not rest or rest[0] == ""


@pytest.mark.parametrize(("spec", "name", "args"), HOOKS)
def test_headings_are_the_house_s_in_their_order(spec, name, args):
    found = [heading for heading in sections(doc_of(spec, name)) if heading]

    assert found == [heading for heading in HEADINGS if heading in found]


@pytest.mark.parametrize(("spec", "name", "args"), HOOKS)
def test_errors_are_errnos_with_a_reason(spec, name, args):
    found = sections(doc_of(spec, name))
    if "Errors" not in found:
        return
    listed = entries(found["Errors"])

    assert listed
    for code, why in listed:
        assert isinstance(getattr(errno, code, None), int), code
        assert why.endswith((".", ",")) or not why[-1].isspace()
    names = [code for code, _ in listed]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("spec", "name", "args"), HOOKS)
def test_arguments_that_are_described_exist(spec, name, args):
    described = [arg for arg, _ in entries(sections(doc_of(spec, name)).get("Args", []))]

    assert set(described) <= set(args)


@pytest.mark.parametrize(("spec", "name", "args"), HOOKS)
def test_arguments_that_are_mentioned_exist(spec, name, args):
    mentioned = set(re.findall(r"(?<!\*)\*([a-z]\w*)\*(?!\*)", doc_of(spec, name)))

    assert mentioned <= set(args)


@pytest.mark.parametrize(
    "name", [name for name in spec_hooks(VnodeOps) if name not in ("vop_inactive", "vop_view", "vop_readinto")]
)
def test_vnode_op_names_its_locking_or_its_manual(name):
    assert re.search(r"Locking: |See VOP_", doc_of(VnodeOps, name))


@pytest.mark.parametrize(("spec", "name", "args"), HOOKS)
def test_hook_is_typed(spec, name, args):
    signature = inspect.signature(getattr(spec, name))

    assert signature.return_annotation is not signature.empty
    assert all(signature.parameters[arg].annotation is not inspect.Parameter.empty for arg in args)


@pytest.mark.parametrize(("spec", "name", "args"), HOOKS)
def test_hook_gives_no_argument_a_default(spec, name, args):
    signature = inspect.signature(getattr(spec, name))

    assert all(signature.parameters[arg].default is inspect.Parameter.empty for arg in args)


@pytest.mark.parametrize(("spec", "name"), METHODS)
def test_backend_method_begins_with_a_sentence(spec, name):
    first = doc_of(spec, name).splitlines()[0]

    assert first[0].isupper()
    assert "." in first
