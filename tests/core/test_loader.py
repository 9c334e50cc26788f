"""Plugins: real distributions on a real path, found, checked, put aside and asked."""

import errno
import importlib
import logging
import os
import subprocess
import sys
import textwrap
import threading

import pytest

import vfscore
import vfscore.plugin
from tests.core.forking import FORKS, beside, in_child
from vfscore.errors import PluginError, err
from vfscore.layers import LAYERS, Faults, ReadOnly
from vfscore.loader import Plugins, PluginStatus
from vfscore.mount import Mount
from vfscore.opv import DevVector
from vfscore.rumpfs import RUMPFS
from vfscore.spec import SPEC_VERSION, Device, FileSystem, Layer, hookimpl
from vfscore.testing import raises
from vfscore.types import VAttr, VType

HEADER = """\
import errno, os, sys
from vfscore.plugin import *
class Backend:
    def __init__(self, who): self.who = who
    def getattr(self, path, follow=False): return VAttr(VType.VREG)
    def open(self, path, flags): raise NotImplementedError
class Ops:
    @hookimpl
    def vop_read(self, vp, offset, size, ioflag, cred): return b""
class Loud:
    @hookimpl(wrapper=True)
    def vop_read(self, vp, offset, size, ioflag, cred): return (yield)
"""
CLAIM = """
@hookimpl{marks}
def etfs_backend(source, options):
    if str(source).startswith({prefix!r}):
        return Backend({who!r})
"""


def claims(prefix, who="", marks=""):
    return CLAIM.format(prefix=prefix, who=who or prefix, marks=marks)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Install throw-away distributions: a folder on ``sys.path`` with modules and ``.dist-info`` directories."""
    monkeypatch.delenv("VFSCORE_PLUGINS", raising=False)
    monkeypatch.delenv("VFSCORE_DISABLE_PLUGINS", raising=False)
    # Only what a test installs counts: what this environment has is somebody else's test.
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(p for p in sys.path if not _has_plugins(p))])
    before = set(sys.modules)

    def install(distribution, code, *, name=None, version="1.2", attr=""):
        name = name or distribution.removeprefix("vfscore-")
        module = f"{distribution.replace('-', '_')}_of_{tmp_path.name}".replace("-", "_")
        (tmp_path / f"{module}.py").write_text(HEADER + textwrap.dedent(code))
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        points = info / "entry_points.txt"
        old = points.read_text() if points.exists() else "[vfscore]\n"
        points.write_text(f"{old}{name} = {module}{attr}\n")
        # Another path is looked at again; the same folder by another name is one.
        monkeypatch.setattr(sys, "path", [*sys.path, os.path.join(tmp_path, *["."] * len(sys.path))])
        importlib.invalidate_caches()
        return module

    yield install
    for module in set(sys.modules) - before:
        if "_of_" in module:
            del sys.modules[module]


def _has_plugins(path):
    try:
        names = os.listdir(path or ".")
    except OSError:
        return False
    return any(name.startswith("vfscore_") and name.endswith(".dist-info") for name in names)


def reasons(plugins):
    """Plugin → why it is not loaded."""
    return {each.name: each.reason for each in plugins.status() if each.status != "loaded"}


def broken(plugins, name):
    (found,) = [each for each in plugins.status() if each.name == name and each.status == "broken"]
    return found.reason


def status(plugins):
    return {each.name: each.status for each in plugins.status()}


# -- finding -----------------------------------------------------------------------------------------------------------


def test_entry_point_is_found_and_asked(site):
    site("vfscore-a", claims("a:"))

    assert Plugins().backend("a:x").who == "a:"


def test_status_tells_what_a_plugin_brings(site):
    site(
        "vfscore-a",
        claims("a:")
        + """
        @hookimpl
        def vfs_filesystems(): return [FileSystem("afs", object(), Ops())]
        @hookimpl
        def vfs_layers(): return [Layer("loud", lambda options: Loud())]
        @hookimpl
        def vfs_devices(): return [Device("adev", 240, object())]
        """.replace("\n        ", "\n"),
    )

    assert Plugins().status() == [
        PluginStatus(
            "a",
            "vfscore-a",
            "1.2",
            "loaded",
            "",
            ("etfs_backend", "vfs_devices", "vfs_filesystems", "vfs_layers"),
            ("filesystem afs", "layer loud", "device adev (240)", "backend"),
            {"filesystem afs": ("vop_read",), "device adev (240)": ()},
        ),
        Plugins().status()[1],
    ]


def test_entry_point_may_name_an_object_in_a_module(site):
    site(
        "vfscore-a",
        """
        class Plugin:
            @hookimpl
            def etfs_backend(self, source, options): return Backend("object")
        plugin = Plugin()
        """,
        attr=":plugin",
    )

    assert Plugins().backend("x").who == "object"


def test_nothing_is_imported_until_it_is_needed(site):
    module = site("vfscore-a", claims("a:"))
    plugins = Plugins(builtins=[RUMPFS, *LAYERS])
    plugins.filesystem("rumpfs")
    plugins.layer("readonly")

    assert module not in sys.modules
    plugins.devices()
    assert module in sys.modules


def test_plugin_is_loaded_once_for_all_namespaces(site):
    site(
        "vfscore-a",
        """
        made = []
        @hookimpl
        def vfs_filesystems():
            made.append(1)
            return [FileSystem(f"fs{len(made)}", object(), Ops())]
        """,
    )
    first = Plugins().filesystem("fs1")

    assert Plugins().filesystem("fs1") is first
    with raises(errno.ENODEV):
        Plugins().filesystem("fs2")


def test_threads_that_need_a_plugin_at_once_all_get_it(site):
    site("vfscore-a", "import time; time.sleep(0.05)\n" + claims("a:"))
    plugins, got = Plugins(), []
    threads = [threading.Thread(target=lambda: got.append(plugins.backend("a:").who)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert got == ["a:"] * 8


def test_object_may_be_handed_over(site):
    class Mine:
        @hookimpl
        def vfs_layers(self):
            return [Layer("mine", lambda options: ReadOnly())]

    plugins = Plugins([Mine()])

    assert isinstance(plugins.layer("mine"), ReadOnly)
    assert plugins.status()[0][:4] == ("Mine", "", "", "loaded")


def test_module_may_be_handed_over_that_is_installed_too(site):
    module = site("vfscore-a", claims("a:"))
    __import__(module)
    plugins = Plugins([sys.modules[module]])

    assert plugins.backend("a:").who == "a:"
    assert [each.status for each in plugins.status()] == ["loaded", "loaded"]


def test_two_objects_of_one_class_may_be_handed_over(site):
    class Claim:
        def __init__(self, prefix):
            self.prefix = prefix

        @hookimpl
        def etfs_backend(self, source):
            return Made(self.prefix) if source.startswith(self.prefix) else None

    plugins = Plugins([Claim("a"), Claim("b")])

    assert (plugins.backend("ax").who, plugins.backend("bx").who) == ("a", "b")
    assert {each.name for each in plugins.status()} == {"Claim", "Claim#2", "vfscore"}


class Made:
    def __init__(self, who):
        self.who = who

    def getattr(self, path, follow=False):
        return VAttr(VType.VREG)

    def open(self, path, flags):
        raise NotImplementedError


# -- what is wrong with a plugin ---------------------------------------------------------------------------------------

WRONG = {
    "misspelt hook": (
        "@hookimpl\ndef etfs_backnd(source, options): pass",
        "hook 'etfs_backnd' is not in the spec; did you mean 'etfs_backend'?",
    ),
    "wrong argument": (
        "@hookimpl\ndef etfs_backend(src, options): pass",
        "hook 'etfs_backend' has no argument 'src'; it has (source, options)",
    ),
    "argument with a default": (
        "@hookimpl\ndef etfs_backend(source, options=None): pass",
        "hook 'etfs_backend' gives the argument 'options' a default",
    ),
    "keyword arguments": ("@hookimpl\ndef etfs_backend(**kw): pass", "name its arguments: (source, options)"),
    "old hookwrapper": ("@hookimpl(hookwrapper=True)\ndef etfs_backend(source): yield", "use wrapper=True"),
    "wrapper where none can be": (
        "@hookimpl(wrapper=True)\ndef vfs_layers(): yield",
        "hook 'vfs_layers' cannot be a wrapper",
    ),
    "no marker": ("def etfs_backend(source, options): pass", "hook 'etfs_backend' is not marked with @hookimpl"),
    "no hook": ("x = 1", "has no hook; mark one of vfs_filesystems, "),
    "newer contract": (
        f"vfs_api = {SPEC_VERSION + 1}\n" + claims("a"),
        f"written for version {SPEC_VERSION + 1} of the",
    ),
    "import error": (
        "import there_is_no_such_module",
        "ModuleNotFoundError: No module named 'there_is_no_such_module'",
    ),
    "syntax error": ("def (:", "SyntaxError"),
    "exit": ("sys.exit(3)", "SystemExit: 3"),
    "hook that raises": ("@hookimpl\ndef vfs_layers(): return 1 / 0", "ZeroDivisionError: division by zero"),
    "hook that returns nothing": (
        "@hookimpl\ndef vfs_layers(): pass",
        "hook 'vfs_layers' returned an object of type NoneType; return a list of Layer objects",
    ),
    "hook that returns one without a list": (
        "@hookimpl\ndef vfs_layers(): return Layer('x', Loud)",
        "hook 'vfs_layers' returned an object of type Layer; return a list of Layer objects",
    ),
    "hook that returns something else": (
        "@hookimpl\ndef vfs_layers(): return [3]",
        "hook 'vfs_layers' returned an object of type int where a Layer belongs",
    ),
    "file system with a misspelt op": (
        "class Bad:\n    @hookimpl\n    def vop_raed(self, vp): pass\n"
        "@hookimpl\ndef vfs_filesystems(): return [FileSystem('bad', object(), Bad())]",
        "file system 'bad': hook 'vop_raed' is not in the spec; did you mean 'vop_read'?",
    ),
    "class for an object": (
        "@hookimpl\ndef vfs_filesystems(): return [FileSystem('bad', object(), Ops)]",
        "file system 'bad': Ops is a class; pass an instance",
    ),
    "device with a misspelt op": (
        "class Bad:\n    @hookimpl\n    def d_raed(self, dev): pass\n"
        "@hookimpl\ndef vfs_devices(): return [Device('bad', 240, Bad())]",
        "device 'bad': hook 'd_raed' is not in the spec; did you mean 'd_read'?",
    ),
    "a name twice": ("@hookimpl\ndef vfs_layers(): return [Layer('x', Loud)] * 2", "brings a layer twice"),
}


@pytest.mark.parametrize("what", WRONG)
def test_broken_plugin_is_put_aside_with_its_reason_and_the_others_serve(site, what):
    code, reason = WRONG[what]
    site("vfscore-good", claims("good:"))
    site("vfscore-wrong", code)
    plugins = Plugins()

    assert plugins.backend("good:x").who == "good:"
    assert reason in broken(plugins, "wrong")


@pytest.mark.parametrize("what", WRONG)
def test_strict_loading_raises_and_names_plugin_and_distribution(site, what):
    code, reason = WRONG[what]
    site("vfscore-wrong", code, name="odd", version="7.1")

    with pytest.raises(PluginError) as info:
        Plugins(strict=True)
    assert str(info.value).startswith("plugin 'odd' (vfscore-wrong 7.1)")
    assert reason in str(info.value)


def test_class_named_by_an_entry_point_is_refused(site):
    site("vfscore-a", "class Plugin:\n    @hookimpl\n    def etfs_backend(self, source): pass", attr=":Plugin")

    assert "Plugin is a class; pass an instance" in broken(Plugins(), "a")


def test_missing_attribute_of_a_module_is_put_aside(site):
    site("vfscore-a", "", attr=":nothing")

    assert "AttributeError" in broken(Plugins(), "a")


def test_class_handed_over_is_refused_at_once(site):
    class Mine:
        @hookimpl
        def vfs_layers(self):
            return []

    with pytest.raises(PluginError, match=r"Mine is a class; pass an instance"):
        Plugins([Mine])


def test_object_without_a_hook_is_refused_at_once(site):
    with pytest.raises(PluginError, match=r"an object of type object has no hook"):
        Plugins([object()])


def test_object_handed_over_twice_is_refused(site):
    class Mine:
        @hookimpl
        def vfs_layers(self):
            return []

    mine = Mine()
    with pytest.raises(PluginError, match=r"an object of type Mine was handed over twice"):
        Plugins([mine, mine])


def test_broken_plugin_is_said_once_in_the_log(site, caplog):
    site("vfscore-wrong", "import there_is_no_such_module")
    Plugins().status()
    Plugins().status()

    (record,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert "plugin 'wrong' (vfscore-wrong 1.2): ModuleNotFoundError" in record.getMessage()


def test_interrupt_during_an_import_goes_up_and_the_plugin_can_be_loaded_later(site, monkeypatch):
    site("vfscore-a", "if os.environ.get('INTERRUPT'): raise KeyboardInterrupt\n" + claims("a:"))
    plugins = Plugins()
    monkeypatch.setenv("INTERRUPT", "1")
    with pytest.raises(KeyboardInterrupt):
        plugins.status()
    monkeypatch.delenv("INTERRUPT")

    assert plugins.backend("a:").who == "a:"


def test_plugin_that_needs_plugins_while_it_is_imported_does_not_hang(site):
    site(
        "vfscore-a",
        """
        from vfscore.loader import Plugins
        inside = Plugins().status()
        """
        + claims("a:").replace("\n", "\n        "),
    )

    assert Plugins().backend("a:").who == "a:"


# -- two that want the same --------------------------------------------------------------------------------------------


def test_second_of_two_plugins_of_one_name_is_put_aside_and_both_are_named(site):
    site("vfscore-first", claims("first:"), name="same")
    site("vfscore-second", claims("second:"), name="same")
    plugins = Plugins()

    assert plugins.backend("first:").who == "first:"
    assert "plugin 'same' (vfscore-first 1.2) has the same name" in broken(plugins, "same")
    with pytest.raises(PluginError, match=r"vfscore-second 1\.2.*vfscore-first 1\.2"):
        Plugins(strict=True)


BRINGS = {
    "file system": "@hookimpl\ndef vfs_filesystems(): return [FileSystem('x', object(), Ops())]",
    "layer": "@hookimpl\ndef vfs_layers(): return [Layer('x', lambda o: Loud())]",
    "major number": "@hookimpl\ndef vfs_devices(): return [Device('x', 240, object())]",
}


@pytest.mark.parametrize("kind", BRINGS)
def test_second_of_two_plugins_that_bring_one_name_is_put_aside_and_both_are_named(site, kind):
    site("vfscore-a", BRINGS[kind])
    site("vfscore-b", BRINGS[kind])

    assert f"{kind} {240 if kind == 'major number' else 'x'!r} is taken by plugin 'a' (vfscore-a 1.2)" in broken(
        Plugins(), "b"
    )
    with pytest.raises(PluginError, match=r"'b' \(vfscore-b 1\.2\).*'a' \(vfscore-a 1\.2\)"):
        Plugins(strict=True)


def test_plugin_cannot_take_a_name_of_the_core(site):
    site("vfscore-a", "@hookimpl\ndef vfs_filesystems(): return [FileSystem('rumpfs', object(), Ops())]")
    plugins = Plugins(builtins=[RUMPFS])
    plugins.status()

    assert plugins.filesystem("rumpfs") is RUMPFS
    assert "taken by plugin 'vfscore' (vfscore " in broken(plugins, "a")


def test_nothing_of_a_plugin_that_is_put_aside_is_known(site):
    site("vfscore-a", BRINGS["layer"])
    site(
        "vfscore-b", BRINGS["layer"] + claims("b:") + "\n@hookimpl\ndef vfs_devices(): return [Device('d', 241, Ops())]"
    )
    plugins = Plugins()

    assert plugins.devices() == {}
    with raises(errno.ENODEV):
        plugins.backend("b:")


def test_what_is_handed_over_comes_before_what_is_installed(site):
    site("vfscore-a", BRINGS["layer"])

    class Mine:
        name = "a"

        @hookimpl
        def vfs_layers(self):
            return [Layer("x", lambda options: ReadOnly())]

    plugins = Plugins([Mine()])

    assert isinstance(plugins.layer("x"), ReadOnly)
    assert "plugin 'a' (handed over) has the same name" in broken(plugins, "a")


# -- allowed and blocked -----------------------------------------------------------------------------------------------


@pytest.fixture
def three(site):
    for name in ("a", "b", "c"):
        site(f"vfscore-{name}_x", claims(f"{name}:"), name=name)


@pytest.mark.parametrize(
    ("allow", "block", "expected"),
    [
        (None, None, {"a": "loaded", "b": "loaded", "c": "loaded"}),
        ("a", None, {"a": "loaded", "b": "not-allowed", "c": "not-allowed"}),
        (" a , VFSCORE.c-X ", None, {"a": "loaded", "b": "not-allowed", "c": "loaded"}),
        ("", None, {"a": "not-allowed", "b": "not-allowed", "c": "not-allowed"}),
        (None, "a", {"a": "blocked", "b": "loaded", "c": "loaded"}),
        (None, "vfscore-b-x,c", {"a": "loaded", "b": "blocked", "c": "blocked"}),
        (None, "", {"a": "loaded", "b": "loaded", "c": "loaded"}),
        ("a,b", "b", {"a": "loaded", "b": "blocked", "c": "not-allowed"}),
    ],
)
def test_variables_allow_and_block_by_name_of_plugin_or_distribution(three, monkeypatch, allow, block, expected):
    for variable, value in (("VFSCORE_PLUGINS", allow), ("VFSCORE_DISABLE_PLUGINS", block)):
        if value is not None:
            monkeypatch.setenv(variable, value)

    assert status(Plugins()) == expected | {"vfscore": "loaded"}


def test_blocked_plugin_is_not_imported(site, monkeypatch):
    module = site("vfscore-a", claims("a:"))
    monkeypatch.setenv("VFSCORE_DISABLE_PLUGINS", "a")

    assert reasons(Plugins()) == {"a": "named in VFSCORE_DISABLE_PLUGINS"}
    assert module not in sys.modules


def test_blocked_plugin_is_no_error_when_loading_strictly(site, monkeypatch):
    site("vfscore-wrong", "import there_is_no_such_module")
    monkeypatch.setenv("VFSCORE_DISABLE_PLUGINS", "wrong")

    Plugins(strict=True)


def test_variables_do_not_touch_what_is_handed_over(site, monkeypatch):
    class Mine:
        name = "mine"

        @hookimpl
        def etfs_backend(self):
            return Made("mine")

    monkeypatch.setenv("VFSCORE_PLUGINS", "")
    monkeypatch.setenv("VFSCORE_DISABLE_PLUGINS", "mine")

    assert Plugins([Mine()]).backend("x").who == "mine"


def test_name_that_is_allowed_but_not_installed_is_told(site, monkeypatch, caplog):
    site("vfscore-a", claims("a:"))
    monkeypatch.setenv("VFSCORE_PLUGINS", "a,nowhere")

    Plugins().status()
    assert "VFSCORE_PLUGINS names nowhere, which is not installed" in caplog.text
    with pytest.raises(PluginError, match=r"VFSCORE_PLUGINS names nowhere"):
        Plugins(strict=True)


# -- file systems and layers -------------------------------------------------------------------------------------------


def test_file_system_that_nobody_brings_is_enodev_and_the_known_ones_are_named(site):
    with raises(errno.ENODEV) as info:
        Plugins(builtins=[RUMPFS]).filesystem("rumpsf")
    assert "did you mean 'rumpfs'?" in str(info.value)
    with raises(errno.ENODEV) as info:
        Plugins(builtins=[RUMPFS]).filesystem("zfs")
    assert "known are rumpfs" in str(info.value)


def test_unknown_name_tells_which_plugins_are_not_loaded(site, monkeypatch):
    site("vfscore-a", "import there_is_no_such_module")
    site("vfscore-b", BRINGS["layer"])
    monkeypatch.setenv("VFSCORE_DISABLE_PLUGINS", "b")

    with raises(errno.EINVAL) as info:
        Plugins().layer("x")
    assert "plugins not loaded: a (broken), b (blocked)" in str(info.value)


def test_layer_is_made_of_a_name_or_a_table_or_is_one_already(site):
    plugins = Plugins(builtins=LAYERS)
    own = ReadOnly()

    assert isinstance(plugins.layer("readonly"), ReadOnly)
    assert isinstance(plugins.layer({"type": "faults", "errno": "EIO"}), Faults)
    assert isinstance(plugins.layer(LAYERS[0]), ReadOnly)
    assert plugins.layer(own) is own


def test_layer_of_a_plugin_gets_its_options(site):
    site(
        "vfscore-a",
        """
        class Level(Loud):
            def __init__(self, options): self.options = options
        @hookimpl
        def vfs_layers(): return [Layer("level", Level)]
        """,
    )

    assert Plugins().layer({"type": "level", "a": 1, "b": 2}).options == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        ("nothing", "'nothing'; known are faults, readonly, trace"),
        ("readnoly", "did you mean 'readonly'?"),
        ({"type": "faults", "errno": "EIO", "rat": 3}, "`rat`"),
        ({"type": "readonly", "x": 1}, "`x`"),
        ({"rate": 3}, "'type'"),
        ({"type": 3}, "'type'"),
    ],
)
def test_layer_that_cannot_be_is_einval(site, spec, named):
    with raises(errno.EINVAL) as info:
        Plugins(builtins=LAYERS).layer(spec)
    assert named in str(info.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (3, "layer an object of type int has no op"),
        (ReadOnly, "ReadOnly is a class; pass an instance"),
        (Layer("x", lambda options: object()), "layer 'x' has no op"),
    ],
)
def test_object_that_is_no_layer_is_refused(site, spec, message):
    with pytest.raises(PluginError, match=message):
        Plugins().layer(spec)


def test_layer_of_a_plugin_that_does_not_fit_names_the_distribution(site):
    site("vfscore-a", "@hookimpl\ndef vfs_layers(): return [Layer('x', lambda options: Ops())]")

    with pytest.raises(
        PluginError, match=r"plugin 'a' \(vfscore-a 1\.2\), layer 'x': hook 'vop_read' must be a wrapper"
    ):
        Plugins().layer("x")


# -- backends ----------------------------------------------------------------------------------------------------------


def test_claims_that_come_last_are_asked_last(site):
    site("vfscore-a", claims("", "whatever is left", "(trylast=True)"))
    site("vfscore-b", claims("b:"))
    site("vfscore-c", claims("b:c:", "c", "(tryfirst=True)"))
    plugins = Plugins()

    assert [plugins.backend(source).who for source in ("b:c:", "b:", "x")] == ["c", "b:", "whatever is left"]


def test_what_is_handed_over_is_asked_first_in_its_order(site):
    site("vfscore-a", claims("a:", "installed"))

    class Claim:
        def __init__(self, who, prefix):
            self.name = self.who = who
            self.prefix = prefix

        @hookimpl
        def etfs_backend(self, source):
            return Made(self.who) if source.startswith(self.prefix) else None

    plugins = Plugins([Claim("first", "a:b:"), Claim("second", "a:b"), Claim("third", "a:b")])

    assert [plugins.backend(s).who for s in ("a:b:", "a:b", "a:")] == ["first", "second", "installed"]


def test_wrapper_may_be_around_all_claims(site):
    site("vfscore-a", claims("a:"))

    class Around:
        @hookimpl(wrapper=True)
        def etfs_backend(self, source):
            backend = yield
            backend.who = f"around {backend.who}"
            return backend

    assert Plugins([Around()]).backend("a:").who == "around a:"


def test_backend_gets_the_source_as_it_is_and_options_of_its_own(site):
    got = []

    class Take:
        @hookimpl
        def etfs_backend(self, source, options):
            got.append((source, options))
            options["changed"] = True
            return Made("x")

    source, options = object(), {"a": 1}
    Plugins([Take()]).backend(source, options)

    assert got[0][0] is source
    assert options == {"a": 1}


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ("s3://bucket/x", "no plugin claims URLs such as 's3://bucket/x'; install vfscore-etfs-fsspec"),
        ("zip://a::b.zip", "install vfscore-etfs-fsspec"),
        (object(), "no plugin claims an object of type object; install vfscore-etfs-fsspec"),
        ("/srv/a", "no plugin claims host paths such as '/srv/a'; install vfscore-etfs-local"),
        ("odd:x", "no plugin claims 'odd:x'"),
    ],
)
def test_source_that_nobody_claims_is_enodev_with_what_to_install(site, source, advice):
    with raises(errno.ENODEV) as info:
        Plugins().backend(source)
    assert advice in str(info.value)


def test_advice_tells_why_a_plugin_that_is_installed_does_not_serve(site, monkeypatch):
    site("vfscore-etfs-local", "import there_is_no_such_module")
    site("vfscore-etfs-fsspec", claims("s3:"))
    monkeypatch.setenv("VFSCORE_DISABLE_PLUGINS", "vfscore-etfs-fsspec")
    plugins = Plugins()

    with raises(errno.ENODEV) as info:
        plugins.backend("/srv/a")
    assert "vfscore-etfs-local is broken: ModuleNotFoundError" in str(info.value)
    with raises(errno.ENODEV) as info:
        plugins.backend("s3://x")
    assert "vfscore-etfs-fsspec is blocked: named in VFSCORE_DISABLE_PLUGINS" in str(info.value)


def test_secret_in_a_source_that_nobody_claims_does_not_show(site):
    with raises(errno.ENODEV) as info:
        Plugins().backend("s3://me:hunter2@bucket/x")
    assert "hunter2" not in str(info.value)


def test_error_of_the_claiming_backend_goes_up_untouched(site):
    class Take:
        @hookimpl
        def etfs_backend(self):
            raise err(errno.EINVAL, hint="no option 'x'")

    with raises(errno.EINVAL) as info:
        Plugins([Take()]).backend("x", {"x": 1})
    assert "no option 'x'" in str(info.value)


def test_claim_that_fails_does_not_keep_others_from_theirs(site):
    site("vfscore-a", claims("", "rest", "(trylast=True)"))
    site("vfscore-b", "@hookimpl\ndef etfs_backend(source): return source.nothing")

    assert Plugins().backend("x").who == "rest"


def test_claim_that_fails_is_blamed_when_nobody_else_claims(site):
    site("vfscore-a", "@hookimpl\ndef etfs_backend(source): return source.nothing")
    site("vfscore-b", claims("b:"))

    with pytest.raises(
        PluginError, match=r"^plugin 'a' \(vfscore-a 1\.2\): hook 'etfs_backend' failed: AttributeError"
    ):
        Plugins().backend("x")


def test_claim_that_returns_no_backend_is_refused(site):
    class Take:
        @hookimpl
        def etfs_backend(self):
            return "backend"

    with pytest.raises(PluginError, match=r"returned an object of type str, which lacks 'getattr' or 'open'"):
        Plugins([Take()]).backend("x")


# -- devices -----------------------------------------------------------------------------------------------------------


class Zero:
    @hookimpl
    def d_read(self, dev, offset, size, vtype):
        return bytes(size)


def test_devices_are_known_by_major_with_their_compiled_ops(site):
    device = Device("zero", 1, Zero())
    plugins = Plugins(builtins=[device])
    got, vector = plugins.devices()[VType.VCHR, 1]

    assert got is device
    assert plugins.device(VType.VBLK, 1) == (device, vector)
    assert plugins.device(VType.VBLK, 2) is None
    assert isinstance(vector, DevVector)
    assert vector.d_read(0, 0, 3, VType.VCHR) == b"\0\0\0"


def test_a_major_number_may_be_one_driver_s_as_a_block_device_and_another_s_as_a_character_device(site):
    raw, cooked = Device("raw", 9, Zero(), types=(VType.VCHR,)), Device("cooked", 9, Zero(), types=(VType.VBLK,))
    plugins = Plugins(builtins=[raw, cooked])

    assert plugins.device(VType.VCHR, 9)[0] is raw
    assert plugins.device(VType.VBLK, 9)[0] is cooked


def test_options_of_drivers_are_known_together(site):
    class Attaching:
        @hookimpl
        def device_attach(self, backend, path, type, begin, size, options):
            return 9

    drivers = [Device("a", 9, Zero(), frozenset({"x"})), Device("b", 10, Zero(), frozenset({"y"}))]

    assert Plugins([Attaching()], builtins=drivers).device_options() == {"x", "y"}
    assert Plugins(builtins=drivers).device_options() is None


def test_plugin_makes_and_ends_devices(site):
    class Disk:
        def __init__(self):
            self.made = []

        @hookimpl
        def device_attach(self, backend, path, type, begin, size, options):
            self.made.append((backend, path, type, begin, size, options))
            return 0xC5_00

        @hookimpl
        def device_detach(self, rdev):
            return True if rdev == 0xC5_00 else None

    disk, backend = Disk(), Made("x")
    plugins = Plugins([disk])

    assert plugins.attach_device(backend, "img", "blk", 1, 2, {"a": 1}) == 0xC5_00
    assert disk.made == [(backend, "img", "blk", 1, 2, {"a": 1})]
    assert plugins.detach_device(0xC5_00)
    assert not plugins.detach_device(7)


def test_device_that_nobody_makes_is_enodev_with_what_to_install(site):
    with raises(errno.ENODEV) as info:
        Plugins().attach_device(Made("x"), "", "blk", 0, 1, {})
    assert "install vfscore-blockdev" in str(info.value)


# -- observers ---------------------------------------------------------------------------------------------------------


class Observer:
    def __init__(self):
        self.seen = []

    @hookimpl
    def vfs_mounted(self, mp):
        self.seen.append(("mounted", mp))

    @hookimpl
    def vfs_unmounted(self, mp):
        self.seen.append(("unmounted", mp))


def mount():
    return Mount(FileSystem("probe", object(), object()))


def test_observer_hears_of_mounts_and_unmounts(site):
    observer, mp = Observer(), mount()
    plugins = Plugins([observer])
    plugins.mounted(mp)
    plugins.unmounted(mp)

    assert observer.seen == [("mounted", mp), ("unmounted", mp)]


def test_observer_that_fails_stops_nothing_and_is_logged(site, caplog):
    class Bad:
        @hookimpl
        def vfs_mounted(self):
            raise ValueError("bad observer")

    observer = Observer()
    Plugins([Bad(), observer]).mounted(mount())

    assert len(observer.seen) == 1
    assert "bad observer" in caplog.text


def test_observer_of_a_plugin_that_is_loaded_later_hears_of_what_is_mounted_by_then(site):
    module = site(
        "vfscore-a",
        """
        seen = []
        @hookimpl
        def vfs_mounted(mp): seen.append(mp)
        """,
    )
    plugins = Plugins()
    stays, goes = mount(), mount()
    plugins.mounted(stays)
    plugins.mounted(goes)
    plugins.mounted(mount())
    plugins.unmounted(goes)
    assert module not in sys.modules

    plugins.devices()
    plugins.mounted(late := mount())

    assert sys.modules[module].seen == [stays, late]


def test_property_of_a_plugin_is_not_evaluated(site):
    class Mine(Observer):
        @property
        def trap(self):
            raise AssertionError("evaluated")

    plugins = Plugins([Mine()])

    with raises(errno.ENODEV):
        plugins.backend("x")


def test_a_strict_namespace_does_not_boot_with_a_broken_plugin(site):
    site("broken-dist", "raise RuntimeError('on purpose')", name="broken")

    vfscore.Namespace().close()
    with pytest.raises(PluginError, match="broken-dist"):
        vfscore.Namespace(strict=True)


def test_a_plugin_that_fails_is_named_when_the_next_cannot_serve_the_source(site):
    site("vfscore-wrong", "@hookimpl\ndef etfs_backend(source, options): raise KeyError(source)")
    site("vfscore-last", "@hookimpl(trylast=True)\ndef etfs_backend(source, options): raise err(errno.ENOENT)")

    with pytest.raises(PluginError, match="vfscore-wrong") as info:
        Plugins().backend("x", {})
    assert isinstance(info.value.__cause__, OSError)


# -- tracing -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def traced(monkeypatch, caplog):
    """Ask for a trace, and return what reads it so far."""
    caplog.set_level(logging.DEBUG, "vfscore.trace")

    def ask(globs):
        monkeypatch.setenv("VFSCORE_TRACE", globs)
        return lambda: [record.getMessage() for record in caplog.records if record.name == "vfscore.trace"]

    return ask


def test_each_plugin_s_answer_to_a_traced_hook_is_told(site, traced):
    told = traced("etfs_*")
    site("vfscore-a", claims("a:"))
    site("vfscore-b", claims("b:"))
    Plugins().backend("b:x", {"password": "shhh"})

    asked = "etfs_backend(source='b:x', options={password: …}) of plugin"
    other, mine = told()
    assert other.startswith(f"{asked} 'a' (vfscore-a 1.2): None ")
    assert mine.startswith(f"{asked} 'b' (vfscore-b 1.2): <Backend> ")


def test_trace_of_a_hook_shows_no_secret_of_its_source(site, traced):
    told = traced("*")
    site("vfscore-a", claims("ftp:"))
    Plugins().backend("ftp://user:shhh@host/x")

    assert "source='ftp://***@host/x'" in told()[-1]


def test_hooks_that_describe_and_observe_and_wrap_are_traced_too(site, traced):
    told = traced("vfs_layers,vfs_mounted,etfs_backend")
    site(
        "vfscore-a",
        """
        @hookimpl
        def vfs_layers(): return [Layer("loud", lambda options: Loud())]
        @hookimpl
        def vfs_mounted(mp): pass
        @hookimpl(wrapper=True)
        def etfs_backend(source): return (yield)
        """,
    )
    site("vfscore-b", claims("b:"))
    with vfscore.Namespace() as ns:
        ns.plugins.backend("b:")
        ns.mount("rumpfs", "/m")

    words = [line.split(" of plugin ")[0] for line in told()]
    assert words == [
        "vfs_layers()",
        "vfs_mounted(mp=/)",
        "etfs_backend(source='b:', options={})",
        "etfs_backend(source='b:')",
        "vfs_mounted(mp=/m)",
    ]


def test_traced_claim_that_fails_is_blamed_on_its_own_plugin(site, traced):
    told = traced("etfs_backend")
    site("vfscore-a", "@hookimpl\ndef etfs_backend(source): return 1 / 0")
    site("vfscore-b", "@hookimpl\ndef etfs_backend(source): return None")

    with pytest.raises(PluginError, match=r"plugin 'a' \(vfscore-a 1\.2\): hook 'etfs_backend' failed"):
        Plugins().backend("a:x")
    assert any("of plugin 'a' (vfscore-a 1.2): raises ZeroDivisionError" in line for line in told())


def test_traced_ops_are_told_of_every_mount_and_do_not_stand_in_its_description(site, traced):
    told = traced("vop_create, vop_mk*")
    with vfscore.Namespace() as ns:
        ns.mount("rumpfs", "/m")
        ns.sys.write_file("/m/f", b"")
        ns.sys.mkdir("/d")
        ns.sys.stat("/m/f")

        assert [line.split()[:3] for line in told()] == [["vop_create", "/m", "f"], ["vop_mkdir", "/", "d"]]
        assert ns.fstab() == {"mount": [{"type": "rumpfs", "at": "/m"}]}


def test_nothing_is_put_around_anything_without_a_trace(site):
    site("vfscore-a", claims("a:"))
    with vfscore.Namespace() as ns:
        assert ns.plugins.tracing() == []
        assert ns.explain("/").layers == ()


def test_trace_of_what_is_no_hook_is_told(site, traced, caplog):
    traced("vop_raed,etfs_backend")
    Plugins()

    assert "VFSCORE_TRACE names vop_raed, which is no hook" in caplog.text


def test_trace_goes_to_standard_error_where_nobody_has_set_up_logging(tmp_path):
    code = "import vfscore; ns = vfscore.Namespace(); ns.sys.write_file('/f', b'data'); ns.close()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "VFSCORE_TRACE": "vop_create"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    (line,) = done.stderr.splitlines()
    assert line.startswith("vop_create / f ")


@FORKS
def test_a_child_forked_while_a_thread_loads_plugins_has_those_that_were_loaded(site, monkeypatch):
    site("vfscore-a", claims("a:"))
    site("vfscore-b", claims("b:") + "sys.stay()")
    plugins = Plugins()

    def load(stay):
        monkeypatch.setattr(sys, "stay", stay, raising=False)
        plugins.backend("a:x")

    def check():
        assert plugins.backend("a:x").who == "a:"
        with raises(errno.ENODEV):
            plugins.backend("b:x")
        return status(plugins)["a"] == "loaded" and "while it is being imported" in broken(plugins, "b")

    with beside(load):
        assert in_child(check)

    assert plugins.backend("b:x").who == "b:"
