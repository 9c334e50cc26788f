"""Variables of the environment in an fstab, and fstabs that include others."""

import pytest

from vfscore import fstab as fstabs
from vfscore.fstab import FstabError
from vfscore.namespace import for_fstab
from vfscore.plugin import VAttr, VType, hookimpl
from vfscore.testing import Namespace


class Shelf:
    """A storage that remembers how it was asked for."""

    asked = ()

    def getattr(self, path, follow=False):
        return VAttr(VType.VDIR, 0o755)

    def open(self, path, flags):
        raise IsADirectoryError(21, "a directory")


class Shelves:
    def __init__(self):
        self.asked = []

    @hookimpl
    def etfs_backend(self, source, options):
        self.asked.append((source, dict(options)))
        return Shelf()


@pytest.fixture
def shelves():
    return Shelves()


def entry(**more):
    return {"etfs": [{"key": "/x", "source": "shelf://a", "type": "dir", **more}]}


# -- variables ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${A}", "one"),
        ("s3://${A}/x${B}", "s3://one/xtwo"),
        ("${NONE:-three}", "three"),
        ("${NONE:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-three}", "three"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("$A and 5$", "$A and 5$"),
        ("", ""),
    ],
)
def test_a_variable_is_what_the_environment_says(text, value):
    assert fstabs.expand(text, {"A": "one", "B": "two", "EMPTY": ""}) == value


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${1}", "${A B}", "x${-y}"])
def test_what_looks_like_a_variable_and_is_none_is_an_error(text):
    with pytest.raises(ValueError, match="no variable"):
        fstabs.expand(text, {"A": "one"})


def test_variables_reach_the_plugin_with_their_values(shelves, monkeypatch):
    monkeypatch.setenv("BUCKET", "b")
    monkeypatch.setenv("SECRET", "hush")
    table = entry(source="shelf://${BUCKET}/d", options={"secret": "${SECRET}", "deep": {"list": ["${BUCKET}", 1]}})

    with Namespace(table, plugins=[shelves]) as ns:
        ns.sys.stat("/x")

    assert shelves.asked == [("shelf://b/d", {"secret": "hush", "deep": {"list": ["b", 1]}})]


def test_variables_stay_in_what_travels(shelves, monkeypatch):
    monkeypatch.setenv("SECRET", "hush")
    table = entry(options={"secret": "${SECRET}"})

    with Namespace(table, plugins=[shelves]) as ns:
        assert ns.fstab() == table
        assert ns.digest() == fstabs.digest(fstabs.load(table))


def test_a_variable_that_is_not_set_is_named_with_its_place(tmp_path):
    (tmp_path / "f.toml").write_text(
        '[[etfs]]\nkey = "/x"\nsource = "a"\ntype = "dir"\noptions = { token = "${NOT_SET}" }\n'
    )

    with pytest.raises(FstabError, match=r"f\.toml: etfs\[0\]\.options\.token: .* NOT_SET is not set"):
        Namespace(tmp_path / "f.toml")


def test_a_source_that_turns_out_relative_is_refused(monkeypatch):
    monkeypatch.setenv("ROOT", "here")

    with pytest.raises(FstabError, match=r"etfs\[0\]\.source: .*'here/d'"):
        Namespace(entry(source="${ROOT}/d"))


def test_a_variable_in_the_middle_of_a_relative_source_is_fine(shelves, tmp_path, monkeypatch):
    monkeypatch.setenv("YEAR", "2013")
    (tmp_path / "f.toml").write_text('[[etfs]]\nkey = "/x"\nsource = "data/${YEAR}"\ntype = "dir"\n')

    with Namespace(tmp_path / "f.toml", plugins=[shelves]) as ns:
        ns.sys.stat("/x")

    assert shelves.asked == [(str(tmp_path / "data/2013"), {})]


def test_what_a_program_registers_has_no_variables(shelves):
    with Namespace(plugins=[shelves]) as ns:
        ns.etfs_register("/x", "shelf://${A}", "dir", options={"deep": ["$${B}"]})
        table = ns.fstab()

    assert shelves.asked == [("shelf://${A}", {"deep": ["$${B}"]})]
    with Namespace(table, plugins=[shelves]) as again:
        again.sys.stat("/x")
        assert again.fstab() == table
    assert shelves.asked[0] == shelves.asked[1]


def test_one_description_in_two_environments_is_two_namespaces(monkeypatch):
    table = {"mount": [{"type": "rumpfs", "at": "/m", "options": {"size": "${SIZE}"}}]}
    monkeypatch.setenv("SIZE", "1 MiB")
    small = for_fstab(table)
    monkeypatch.setenv("SIZE", "2 MiB")
    large = for_fstab(table)

    sizes = [ns.sys.statvfs("/m") for ns in (small, large)]
    assert [s.f_blocks * s.f_frsize for s in sizes] == [1 << 20, 2 << 20]
    assert for_fstab(table) is large


# -- includes ----------------------------------------------------------------------------------------------------------


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def key(name, source="shelf://a"):
    return f'[[etfs]]\nkey = "{name}"\nsource = "{source}"\ntype = "dir"\n'


def test_an_included_fstab_comes_first_and_is_relative_to_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("WHO", "common")
    write(tmp_path / "main.toml", 'include = ["lib/${WHO}.toml"]\n' + key("/b", "here"))
    write(tmp_path / "lib/common.toml", 'include = ["more.toml"]\n' + key("/a", "there"))
    write(tmp_path / "lib/more.toml", key("/0"))

    with Namespace(tmp_path / "main.toml") as ns:
        assert [(e["key"], e["source"]) for e in ns.fstab()["etfs"]] == [
            ("/0", "shelf://a"),
            ("/a", str(tmp_path / "lib/there")),
            ("/b", str(tmp_path / "here")),
        ]
        assert "include" not in ns.fstab()


def test_a_dict_includes_too(tmp_path, monkeypatch):
    write(tmp_path / "a.toml", key("/a"))
    monkeypatch.chdir(tmp_path)

    with Namespace({"include": ["a.toml"]}) as ns:
        assert ns.sys.listdir("/") == ["a"]


def test_a_key_that_an_include_has_taken_is_named_with_both_places(tmp_path):
    write(tmp_path / "main.toml", 'include = ["a.toml"]\n' + key("/x"))
    write(tmp_path / "a.toml", key("/x"))

    with pytest.raises(FstabError, match=r"main\.toml: etfs\[0\]\.key: '/x' is taken by .*a\.toml: etfs\[0\]"):
        Namespace(tmp_path / "main.toml")


def mount(at, size="1 MiB"):
    return f'[[mount]]\ntype = "rumpfs"\nat = "{at}"\noptions = {{ size = "{size}" }}\n'


def test_mounts_of_an_include_come_first_so_that_ones_own_lie_over_them(tmp_path):
    write(tmp_path / "main.toml", 'include = ["a.toml"]\n' + mount("/m", "2 MiB") + mount("/n"))
    write(tmp_path / "a.toml", mount("/m") + key("/m/key"))

    with Namespace(tmp_path / "main.toml") as ns:
        assert [mp.at for mp in ns.mounts()] == ["/", "/m", "/m", "/m/key", "/n"]
        sizes = ns.sys.statvfs("/m")
        assert sizes.f_blocks * sizes.f_frsize == 2 << 20


def test_a_mount_where_an_include_has_a_key_is_named_with_both_places(tmp_path):
    write(tmp_path / "main.toml", 'include = ["a.toml"]\n' + mount("/y") + mount("/x"))
    write(tmp_path / "a.toml", key("/x"))

    with pytest.raises(FstabError, match=r"main\.toml: mount\[1\]\.at: '/x' is taken by .*a\.toml: etfs\[0\]"):
        Namespace(tmp_path / "main.toml")


def test_a_key_where_an_include_has_a_mount_is_named_with_both_places(tmp_path):
    write(tmp_path / "main.toml", 'include = ["a.toml"]\n' + key("/x"))
    write(tmp_path / "a.toml", mount("/x"))

    with pytest.raises(FstabError, match=r"main\.toml: etfs\[0\]\.key: '/x' is taken by .*a\.toml: mount\[0\]"):
        Namespace(tmp_path / "main.toml")


@pytest.mark.parametrize("named", ["${NOWHERE_SET}.toml", "${}.toml"])
def test_a_variable_of_an_include_that_is_not_set_is_named_with_its_place(tmp_path, named):
    write(tmp_path / "main.toml", f'include = ["{named}"]\n')

    with pytest.raises(FstabError, match=r"main\.toml.*: include\[0\]"):
        Namespace(tmp_path / "main.toml")


def test_an_fstab_that_includes_itself_is_an_error(tmp_path):
    write(tmp_path / "a.toml", 'include = ["d/../b.toml"]\n')
    write(tmp_path / "b.toml", 'include = ["a.toml"]\n')

    with pytest.raises(FstabError, match="includes itself"):
        Namespace(tmp_path / "a.toml")


def test_the_same_fstab_included_twice_side_by_side_is_a_taken_key(tmp_path):
    write(tmp_path / "a.toml", key("/x"))

    with pytest.raises(FstabError, match="is taken by"):
        Namespace({"include": [str(tmp_path / "a.toml")] * 2})


def test_a_missing_include_is_named_with_who_includes_it(tmp_path):
    write(tmp_path / "main.toml", 'include = ["nowhere.toml"]\n')

    with pytest.raises(FileNotFoundError) as info:
        Namespace(tmp_path / "main.toml")

    assert info.value.filename == str(tmp_path / "nowhere.toml")
    assert "main.toml: include[0]" in info.value.__notes__[0]


def test_an_error_in_an_include_names_its_file_and_line(tmp_path):
    write(tmp_path / "main.toml", 'include = ["bad.toml"]\n')
    write(tmp_path / "bad.toml", '\n[[etfs]]\nkey = "x"\nsource = "a"\ntype = "dir"\n')

    with pytest.raises(FstabError, match=r"bad\.toml:3: etfs\[0\]\.key"):
        Namespace(tmp_path / "main.toml")


@pytest.mark.parametrize("include", ["a.toml", [1], {"a": 1}])
def test_an_include_that_is_no_list_of_names_is_an_error(include):
    with pytest.raises(FstabError, match="include"):
        Namespace({"include": include})
