"""``%OFFSET:start,size%`` and ``%DISKLABEL:a%`` behind a host path: a part of the file, as rump's tools had it."""

import errno

import pytest

import vfscore
from tests.core.conformance.dictbackend import ChangingDictBackend, DictBackend, Node
from vfscore.plugin import Partition, hookimpl

CONTENT = bytes(range(256)) * 16


def one_file(content):
    """Return a backend that is a file."""
    backend = DictBackend()
    backend.root = Node(bytearray(content))
    return backend


class Files:
    """A plugin that serves host paths and ``store:`` sources from what their files hold, and knows one disklabel."""

    name = "files"

    def __init__(self):
        self.stored = {}
        self.rows = {"a": (16, 32), "c": (0, 4096)}

    @hookimpl(tryfirst=True)
    def etfs_backend(self, source, options):
        if source == "kept:":
            return self.kept
        if source.startswith("store:"):
            return one_file(self.stored[source.removeprefix("store:")])
        with open(source, "rb") as file:
            return one_file(file.read())

    @hookimpl(tryfirst=True)
    def device_partitions(self, backend, path, begin, size, options):
        assert options == {"table": "bsd"}
        if self.rows is None:
            return None
        return [Partition(ord(letter) - 96, *row, "bsd", "7", name=letter) for letter, row in self.rows.items()]


@pytest.fixture
def files():
    return Files()


@pytest.fixture
def ns(files):
    with vfscore.Namespace(plugins=[files]) as namespace:
        yield namespace


@pytest.fixture
def image(tmp_path):
    image = tmp_path / "disk.img"
    image.write_bytes(CONTENT)
    return image


def content(ns, key="/part"):
    with ns.open(key, "rb") as file:
        return file.read()


def code_of(ns, source, *args, type="reg"):
    with pytest.raises(OSError) as caught:
        ns.etfs_register("/part", source, type, *args)
    assert caught.value.filename == "/part" or caught.value.filename2 == "/part"
    assert ns.sys.listdir("/") == []
    return caught.value.errno


@pytest.mark.parametrize(
    ("suffix", "begin", "size"),
    [
        ("%OFFSET:16,32%", 16, 32),
        ("%OFFSET:0,4096%", 0, 4096),
        ("%OFFSET:1k,2K%", 1024, 2048),
        ("%OFFSET:512b,1b%", 512, 1),
        ("%OFFSET:4096,0%", 4096, 0),
        ("%OFFSET:007,08%", 7, 8),
        ("%DISKLABEL:a%", 16, 32),
        ("%DISKLABEL:c%", 0, 4096),
    ],
)
def test_suffix_is_a_part_of_the_file(ns, image, suffix, begin, size):
    ns.etfs_register("/part", f"{image}{suffix}", "reg")

    assert content(ns) == CONTENT[begin : begin + size]
    (mounted,) = [mp for mp in ns.mounts() if mp.at == "/part"]
    assert (mounted.begin, mounted.size, mounted.source) == (begin, size, f"{image}{suffix}")


def test_part_is_a_window_with_hard_ends(ns, image):
    ns.etfs_register("/part", f"{image}%DISKLABEL:a%", "reg")

    assert ns.sys.stat("/part").st_size == 32
    fd = ns.sys.open("/part", 0)
    assert ns.sys.pread(fd, 100, 30) == CONTENT[46:48]


def test_suffix_of_a_path_object_and_of_a_relative_path(ns, image, monkeypatch):
    monkeypatch.chdir(image.parent)

    ns.etfs_register("/one", image.with_name("disk.img%OFFSET:1,2%"), "reg")
    ns.etfs_register("/two", "disk.img%OFFSET:1,2%", "reg")

    assert content(ns, "/one") == content(ns, "/two") == CONTENT[1:3]


def test_suffix_in_an_fstab_is_relative_to_it_and_stays_in_it(files, image):
    (image.parent / "fstab.toml").write_text(
        '[[etfs]]\nkey = "/part"\nsource = "disk.img%DISKLABEL:a%"\ntype = "reg"\n'
    )

    with vfscore.Namespace(image.parent / "fstab.toml", plugins=[files]) as ns:
        assert content(ns) == CONTENT[16:48]
        assert ns.fstab() == {"etfs": [{"key": "/part", "source": f"{image}%DISKLABEL:a%", "type": "reg"}]}
        with vfscore.Namespace(ns.fstab(), plugins=[files]) as again:
            assert content(again) == CONTENT[16:48]


def test_label_of_an_fstab_is_looked_for_at_the_first_use(files, image):
    rows, files.rows = files.rows, None
    fstab = {"etfs": [{"key": "/part", "source": f"{image}%DISKLABEL:a%", "type": "reg"}]}
    with vfscore.Namespace(fstab, plugins=[files]) as ns:
        with pytest.raises(OSError) as caught:
            ns.sys.stat("/part")
        assert caught.value.errno == errno.ENOENT
        files.rows = rows

        assert ns.sys.stat("/part").st_size == 32
        assert content(ns) == CONTENT[16:48]


def test_opening_to_truncate_does_not_cut_what_lies_around_the_part(files):
    backend = files.kept = ChangingDictBackend()
    backend.root = Node(bytearray(CONTENT))
    fstab = {"etfs": [{"key": "/part", "source": "kept:%DISKLABEL:a%", "type": "reg"}]}
    with vfscore.Namespace(fstab, plugins=[files]) as ns, pytest.raises(OSError) as caught:
        ns.open("/part", "wb")

    assert caught.value.errno == errno.EINVAL
    assert bytes(backend.root.data) == CONTENT


@pytest.mark.parametrize(
    ("suffix", "code"),
    [
        ("%OFFSET:512%", errno.EINVAL),
        ("%OFFSET:512,512", errno.EINVAL),
        ("%OFFSET:512", errno.EINVAL),
        ("%OFFSET:%", errno.EINVAL),
        ("%OFFSET:1,2,3%", errno.EINVAL),
        ("%OFFSET:1,2%x", errno.EINVAL),
        ("%OFFSET:-1,512%", errno.ERANGE),
        ("%OFFSET:512,-1%", errno.ERANGE),
        ("%OFFSET:18446744073709551615,512%", errno.ERANGE),
        ("%OFFSET:0,16e%", errno.ERANGE),
        ("%OFFSET:0x10,512%", errno.EADDRNOTAVAIL),
        ("%OFFSET:512,51z%", errno.EADDRNOTAVAIL),
        ("%OFFSET:,512%", errno.EADDRNOTAVAIL),
        ("%OFFSET:1_0,512%", errno.EADDRNOTAVAIL),
        ("%OFFSET:٣,512%", errno.EADDRNOTAVAIL),
        ("%OFFSET:4097,1%", errno.EINVAL),
        ("%OFFSET:0,4097%", errno.EINVAL),
        ("%DISKLABEL:q%", errno.EINVAL),
        ("%DISKLABEL:A%", errno.EINVAL),
        ("%DISKLABEL:1%", errno.EINVAL),
        ("%DISKLABEL:b%", errno.ENOENT),
        ("%PART:a%", errno.ENODEV),
    ],
)
def test_suffix_that_is_wrong_has_the_error_of_rumps_tools(ns, image, suffix, code):
    assert code_of(ns, f"{image}{suffix}") == code


def test_file_without_a_disklabel_is_enoent(ns, files, image):
    files.rows = None

    assert code_of(ns, f"{image}%DISKLABEL:a%") == errno.ENOENT


@pytest.mark.parametrize("suffix", ["%OFFSET:16,32%", "%DISKLABEL:a%"])
@pytest.mark.parametrize("window", [(1,), (0, 8), (1, 8)])
def test_window_beside_a_suffix_is_einval(ns, image, suffix, window):
    assert code_of(ns, f"{image}{suffix}", *window) == errno.EINVAL


def test_suffix_of_a_file_that_is_not_there_is_enoent(ns, image):
    assert code_of(ns, f"{image}x%OFFSET:16,32%") == errno.ENOENT


@pytest.mark.parametrize(
    "name",
    [
        "disk.img%OFFSET:16,32%",
        "disk.img%DISKLABEL:a%",
        "disk.img%OFFSET:nothing",
        "disk.img%PART:a%",
        "100%",
        "%OFFSET:",
        "50%OFF",
        "%DISKLABEL:ab%",
    ],
)
def test_file_that_is_there_under_the_whole_name_is_that_file(ns, image, name):
    image.with_name(name).write_bytes(b"itself")

    ns.etfs_register("/part", f"{image.with_name(name)}", "reg")

    assert content(ns) == b"itself"


@pytest.mark.parametrize("name", ["%DISKLABEL:ab%", "%DISKLABEL:%", "%DISKLABEL:a", "x%offset:1,2%", "100%"])
def test_name_that_is_no_suffix_is_a_name(ns, image, name):
    assert code_of(ns, f"{image}{name}") == errno.ENOENT


def test_suffix_in_the_name_of_a_directory_is_none(ns, image, tmp_path):
    (tmp_path / "%OFFSET:1,2%").mkdir()
    (tmp_path / "%OFFSET:1,2%" / "file").write_bytes(b"inside")

    ns.etfs_register("/part", f"{tmp_path}/%OFFSET:1,2%/file", "reg")

    assert content(ns) == b"inside"


def test_only_the_last_suffix_counts(ns, image):
    whole = image.with_name("disk.img%OFFSET:1,2%")
    whole.write_bytes(CONTENT[::-1])

    ns.etfs_register("/part", f"{whole}%OFFSET:3,4%", "reg")

    assert content(ns) == CONTENT[::-1][3:7]


def test_directory_has_no_suffix(ns, tmp_path):
    assert code_of(ns, f"{tmp_path}%OFFSET:1,2%", type="dir") == errno.ENOENT


@pytest.mark.parametrize("suffix", ["%OFFSET:16,32%", "%DISKLABEL:a%"])
def test_suffix_of_what_is_no_host_path_counts_if_it_is_one_to_the_letter(ns, files, suffix):
    files.stored["disk"] = CONTENT

    ns.etfs_register("/part", f"store:disk{suffix}", "reg")

    assert content(ns) == CONTENT[16:48]


@pytest.mark.parametrize("name", ["disk%OFFSET:16", "disk%OFFSET:1%", "disk%PART:a%", "disk%DISKLABEL:ab%"])
def test_any_other_name_of_what_is_no_host_path_is_a_name(ns, files, name):
    files.stored[name] = b"itself"

    ns.etfs_register("/part", f"store:{name}", "reg")

    assert content(ns) == b"itself"


def test_suffix_needs_a_reader_of_disklabels(image, monkeypatch):
    class HostOnly:
        name = "host-only"
        etfs_backend = Files.etfs_backend

    monkeypatch.setenv("VFSCORE_PLUGINS", "")
    with vfscore.Namespace(plugins=[HostOnly()]) as ns:
        assert code_of(ns, f"{image}%DISKLABEL:a%") == errno.ENODEV
