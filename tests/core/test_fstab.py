"""The fstab: what is understood, what is refused and in which words, and that nothing is lost on the way round."""

import datetime
import pathlib
import pickle
import tomllib

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vfscore import fstab
from vfscore.fstab import (
    EtfsEntry,
    Fstab,
    FstabError,
    MountEntry,
    absolute,
    canonical,
    digest,
    dumps,
    load,
    parse,
    redact,
)
from vfscore.types import SIZE_ENDOFF, EtfsType

DESIGN = """\
[[mount]]
type = "rumpfs"
at = "/scratch"
options = { size = "2 GiB" }

[[etfs]]
key = "/data"
source = "s3://bucket/taxi"
type = "dir_subdirs"
options = { anon = true }
layers = ["readonly"]

[[etfs]]
key = "/dev/part1"
source = "disk.img"
type = "blk"
begin = 1048576
size = 67108864
"""
TABLES = {
    "mount": [{"type": "rumpfs", "at": "/scratch", "options": {"size": "2 GiB"}}],
    "etfs": [
        {
            "key": "/data",
            "source": "s3://bucket/taxi",
            "type": "dir_subdirs",
            "options": {"anon": True},
            "layers": ["readonly"],
        },
        {"key": "/dev/part1", "source": "disk.img", "type": "blk", "begin": 1048576, "size": 67108864},
    ],
}


def entry(**fields):
    return {"etfs": [{"key": "/a", "source": "a", "type": "reg", **fields}]}


# -- in ----------------------------------------------------------------------------------------------------------------


def test_text_and_dict_are_the_same():
    assert parse(DESIGN) == load(DESIGN) == load(TABLES)


def test_fields_are_those_of_the_calls():
    f = parse(DESIGN)

    assert f.mount == (MountEntry(type="rumpfs", at="/scratch", options={"size": "2 GiB"}),)
    assert f.etfs[1] == EtfsEntry(
        key="/dev/part1", source="disk.img", type=EtfsType.BLK, begin=1 << 20, size=64 << 20, options={}, layers=[]
    )


def test_empty_text_is_an_empty_namespace():
    assert parse("") == load({}) == Fstab()


def test_window_reaches_to_the_end_by_default():
    assert load(entry()).etfs[0].size == SIZE_ENDOFF


def test_fstab_is_loaded_as_it_is():
    f = parse(DESIGN)

    assert load(f) is f


def test_slashes_of_keys_collapse():
    f = load(
        {"mount": [{"type": "rumpfs", "at": "//m///n/"}], "etfs": [{"key": "/a//b/", "source": "x", "type": "reg"}]}
    )

    assert (f.mount[0].at, f.etfs[0].key) == ("/m/n", "/a/b")


def test_none_in_an_entry_is_as_if_it_was_not_there():
    assert load(entry(options=None, layers=None)) == load(entry())


def test_source_may_be_a_path_object():
    assert load(entry(source=pathlib.PurePosixPath("/srv/a"))).etfs[0].source == "/srv/a"


def test_two_mounts_may_stand_at_one_place():
    assert len(load({"mount": [{"type": "rumpfs", "at": "/m"}] * 2}).mount) == 2


def test_fstab_cannot_be_changed():
    with pytest.raises(AttributeError):
        parse(DESIGN).etfs[0].key = "/other"


def test_fstab_survives_a_pickle():
    f = parse(DESIGN, "fstab.toml", "/srv")
    again = pickle.loads(pickle.dumps(f))

    assert (again, again.name, again.base) == (f, "fstab.toml", "/srv")


# -- what is refused ---------------------------------------------------------------------------------------------------


def refused(what, name="fstab.toml"):
    with pytest.raises(FstabError) as info:
        load(what, name)
    assert isinstance(info.value, ValueError)
    assert str(info.value).startswith(name)
    return info.value


def changed(old, new):
    assert old in DESIGN
    return refused(DESIGN.replace(old, new))


def test_text_that_is_not_toml_names_its_line():
    exc = changed("begin = 1048576", "begin = 1 MiB")

    assert (exc.line, exc.key) == (17, "")
    assert str(exc).startswith("fstab.toml:17: not TOML: ")


def test_text_that_ends_too_early_names_its_last_line():
    assert refused("a = 1\nb = [").line == 2


def test_path_instead_of_text_is_guessed():
    assert "looks like a path" in str(refused("/etc/fstab.toml"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'type = "blk"',
            'type = "block"',
            "fstab.toml:16: etfs[1].type: expected one of reg, blk, chr, dir, dir_subdirs, found 'block'",
        ),
        (
            "begin = 1048576",
            "begin = -1",
            "fstab.toml:17: etfs[1].begin: expected a number of bytes, 0 or more, found -1",
        ),
        (
            "size = 67108864",
            'size = "64 MiB"',
            "fstab.toml:18: etfs[1].size: expected a number of bytes, 0 or more, found '64 MiB'",
        ),
        ("begin =", "bgin =", "fstab.toml:17: etfs[1].bgin: unknown key; did you mean 'begin'?"),
        ('key = "/data"\n', "", "fstab.toml:6: etfs[0]: 'key' is missing"),
        ('key = "/data"', "key = 3", "fstab.toml:7: etfs[0].key: expected a string, found 3"),
        ('at = "/scratch"', 'at = "scratch"', "expected an absolute path, such as '/data', found 'scratch'"),
        ('"/dev/part1"', '"/data//"', "fstab.toml:14: etfs[1].key: '/data' is taken by etfs[0]; one of them must go"),
        ('at = "/scratch"', 'at = "/data"', "fstab.toml:7: etfs[0].key: '/data' is taken by mount[0]"),
        ("options = { anon = true }", "options = true", "fstab.toml:10: etfs[0].options: expected a table, found True"),
        ('["readonly"]', "[3]", "fstab.toml:11: etfs[0].layers[0]: expected a string or a table, found 3"),
        ('["readonly"]', "[{ rate = 3 }]", "fstab.toml:11: etfs[0].layers[0]: expected a 'type' that names the layer"),
        ('["readonly"]', '"readonly"', "fstab.toml:11: etfs[0].layers: expected a list, found 'readonly'"),
        ("anon = true", "since = 2020-01-01", "etfs[0].options.since: expected a string, number"),
        ("[[mount]]", "[[mounts]]", "mounts: unknown key; did you mean 'mount'?"),
        ("[[mount]]", "[mount]", "fstab.toml:1: mount: expected a list, found a table"),
    ],
)
def test_error_names_line_key_what_was_found_and_what_is_expected(old, new, message):
    assert message in str(changed(old, new))


def test_error_in_a_dict_names_the_key_and_no_line():
    exc = refused(entry(type="block"))

    assert (exc.line, exc.key) == (None, "etfs[0].type")


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (3, "expected TOML text or a dict, found an object of type int"),
        ({"etfs": {}}, "etfs: expected a list, found a table"),
        ({"etfs": ["/a"]}, "etfs[0]: expected a table, found '/a'"),
        (entry(source=object()), "etfs[0].source: expected a string, found an object of type object"),
        (entry(source=3), "etfs[0].source: expected a string, found 3"),
        (entry(begin=True), "etfs[0].begin: expected a number of bytes"),
        (entry(key="/a\0b"), "etfs[0].key: a path cannot hold NUL"),
        (entry(key=""), "etfs[0].key: expected an absolute path"),
        (entry(options={"token": None}), "etfs[0].options.token: found None"),
        (entry(options={"a": {"b": [1, object()]}}), "etfs[0].options.a.b[1]: expected a string, number"),
        (entry(options={"a": {1: 2}}), "etfs[0].options.a: expected names that are strings, found 1"),
        (entry(options={"a": [{1: 2}]}), "etfs[0].options.a[0]: expected names that are strings, found 1"),
        (entry(layers=[{"type": "x", "a": {1: 2}}]), "etfs[0].layers[0].a: expected names that are strings, found 1"),
        (entry(options={"a": float("nan")}), "etfs[0].options.a: expected"),
        (entry(options={"a": float("-inf")}), "etfs[0].options.a: expected"),
        (entry(layers=[object()]), "etfs[0].layers[0]: expected a string or a table, found an object of type object"),
        (entry(layers=[{"type": "trace", "callback": print}]), "etfs[0].layers[0].callback: expected"),
    ],
)
def test_bad_dict_is_refused_with_the_key(what, message):
    assert message in str(refused(what))


def test_wrong_type_of_key_is_refused():
    refused(entry(options={1: 2}))


# -- out ---------------------------------------------------------------------------------------------------------------


def test_canonical_leaves_out_what_is_the_default():
    full = entry(begin=0, size=SIZE_ENDOFF, options={}, layers=[])
    full["mount"] = [{"type": "rumpfs", "at": "/m", "source": None, "readonly": False}]

    assert canonical(load(full)) == {
        "mount": [{"type": "rumpfs", "at": "/m"}],
        "etfs": [{"key": "/a", "source": "a", "type": "reg"}],
    }


def test_canonical_of_an_empty_fstab_is_empty():
    assert canonical(Fstab()) == {}


def test_canonical_is_plain_data():
    def kinds(value):
        yield type(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from kinds(inner)

    assert set(kinds(canonical(parse(DESIGN)))) <= {dict, list, str, int, bool, float}


def test_order_of_keys_makes_no_difference():
    one = entry(options={"a": 1, "b": {"c": 2, "d": 3}})
    other = {"etfs": [{"options": {"b": {"d": 3, "c": 2}, "a": 1}, "type": "reg", "source": "a", "key": "/a"}]}

    assert repr(canonical(load(one))) == repr(canonical(load(other)))
    assert digest(load(one)) == digest(load(other))


def test_every_field_makes_a_difference_to_the_digest():
    fields = {
        "key": "/b",
        "source": "b",
        "type": "dir",
        "begin": 1,
        "size": 1,
        "options": {"a": 1},
        "layers": ["readonly"],
    }

    digests = {digest(load(entry(**{name: value}))) for name, value in fields.items()}

    assert len(digests | {digest(load(entry()))}) == len(fields) + 1


def test_equal_fstabs_have_one_hash():
    assert hash(parse(DESIGN)) == hash(load(TABLES))


def test_where_it_came_from_is_no_part_of_what_it_says():
    assert parse(DESIGN, "a", "/a") == parse(DESIGN, "b", "/b")


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="/\0"), min_size=1, max_size=8)
PATHS = st.lists(NAMES, max_size=4).map(lambda names: "/" + "/".join(names))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    TEXT | st.integers() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OPTIONS = st.dictionaries(TEXT, VALUES, max_size=3)
LAYERS = st.lists(TEXT | st.builds(lambda o, t: o | {"type": t}, OPTIONS, TEXT), max_size=2)
MOUNTS = st.fixed_dictionaries(
    {"type": TEXT, "at": PATHS},
    optional={"source": TEXT, "options": OPTIONS, "layers": LAYERS, "readonly": st.booleans()},
)
ETFS = st.fixed_dictionaries(
    {"key": PATHS, "source": TEXT, "type": st.sampled_from([str(t) for t in EtfsType])},
    optional={
        "begin": st.integers(0, 1 << 63),
        "size": st.integers(0, SIZE_ENDOFF),
        "options": OPTIONS,
        "layers": LAYERS,
    },
)


@st.composite
def fstabs(draw):
    mounts = draw(st.lists(MOUNTS, max_size=2))
    taken = {mount["at"] for mount in mounts}
    keys = draw(st.lists(ETFS, max_size=3, unique_by=lambda each: each["key"]))
    return {"mount": mounts, "etfs": [each for each in keys if each["key"] not in taken]}


@given(fstabs())
@example(TABLES)
@example(entry(options={"size": 2**70, "x": -0.0}))
def test_round_trip_through_toml_is_exact(tables):
    f = load(tables)

    assert parse(dumps(f)) == f
    assert canonical(parse(dumps(f))) == canonical(f) == tomllib.loads(dumps(f))
    assert load(canonical(f)) == f
    assert digest(load(canonical(f))) == digest(f)


@given(fstabs())
def test_canonical_goes_through_json_unharmed(tables):
    f = load(tables)

    assert load(msgspec.json.decode(msgspec.json.encode(canonical(f)))) == f


# -- sources -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("disk.img", "/srv/disk.img"),
        ("./a:b", "/srv/./a:b"),
        ("/abs", "/abs"),
        ("s3://bucket/x", "s3://bucket/x"),
        ("zip://f.csv::data.zip", "zip://f.csv::data.zip"),
        ("zipped:/srv/a.zip", "zipped:/srv/a.zip"),
        ("a/b:c", "/srv/a/b:c"),
    ],
)
def test_relative_source_is_joined_to_the_base_and_nothing_else_is(source, expected):
    f = load(entry(source=source), base="/srv")

    assert f.etfs[0].source == source
    assert absolute(f).etfs[0].source == expected


def test_base_may_be_a_url():
    assert absolute(load(entry()), "https://host/conf").etfs[0].source == "https://host/conf/a"


def test_source_of_a_mount_is_joined_too_and_none_stays_none():
    f = load({"mount": [{"type": "x", "at": "/a", "source": "s"}, {"type": "x", "at": "/b"}]}, base="/srv")

    assert [each.source for each in absolute(f).mount] == ["/srv/s", None]


def test_without_a_base_nothing_is_joined():
    f = load(entry())

    assert absolute(f) is f


# -- secrets -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "key",
        "secret",
        "account_key",
        "accountKey",
        "aws_secret_access_key",
        "token",
        "sas_token",
        "sas",
        "password",
        "passwd",
        "PASSWORD",
        "credential",
        "credentials",
        "connection_string",
        "connectionString",
        "api-key",
        "apikey",
        "Authorization",
        "passphrase",
    ],
)
def test_value_of_a_secret_option_never_shows(name):
    f = load(entry(options={name: "hunter2", "deep": {"list": [{name: "hunter2"}]}}))

    assert "hunter2" not in repr(f) + str(f) + repr(f.etfs[0]) + repr(redact(f.etfs[0].options))
    assert "hunter2" in dumps(f)


@pytest.mark.parametrize("name", ["monkey", "keyboard", "anon", "size", "sassy", "author", "key_size_x"[4:]])
def test_option_that_is_no_secret_shows(name):
    assert "plain" in repr(load(entry(options={name: "plain"})))


@pytest.mark.parametrize(
    "source",
    [
        "ftp://user:hunter2@host/x",
        "simplecache::s3://hunter2:hunter2@bucket/x",
        "https://host/x?sig=hunter2&a=1",
        "https://host/x?a=1&X-Amz-Signature=hunter2",
        "https://host/x?sv=1&access_token=hunter2#frag",
    ],
)
def test_secret_in_a_url_never_shows(source):
    f = load(entry(source=source, options={"url": source}))

    assert "hunter2" not in repr(f) + repr(redact([source]))
    assert "host" in repr(f) or "bucket" in repr(f)


def test_what_is_no_secret_in_a_url_shows():
    for source in ("https://host/x?page=2", "s3://bucket/a@b", "/srv/a?b", "memory://x"):
        assert redact(source) == source


def test_secret_does_not_show_in_an_error():
    exc = refused(entry(options={"token": None}, source="s3://me:hunter2@bucket"))
    assert "hunter2" not in str(exc)
    exc = refused(entry(type="https://me:hunter2@host"))
    assert "hunter2" not in str(exc)


def test_redacting_does_not_touch_the_original():
    options = {"secret": "s", "deep": {"token": "t"}}

    redact(options)

    assert options == {"secret": "s", "deep": {"token": "t"}}


def test_other_values_are_let_pass():
    stamp = datetime.date(2020, 1, 1)

    assert redact({"a": 1, "b": None, "c": stamp, "d": b"x"}) == {"a": 1, "b": None, "c": stamp, "d": b"x"}


def test_names_that_the_room_promises_are_there():
    assert all(hasattr(fstab, name) for name in fstab.__all__)
