"""etfs backend for the members of a zip archive: ``zipped:/srv/a.zip``."""

import errno
import io
import zipfile
from collections.abc import Mapping

from vfscore.plugin import Dirent, OpenFlag, Source, VAttr, VType, err, hookimpl


class Member(io.BytesIO):
    def pread(self, offset: int, size: int) -> bytes:
        return bytes(self.getbuffer()[offset : offset + size])

    def size(self) -> int:
        return self.getbuffer().nbytes


class ZippedBackend:
    def __init__(self, path: str) -> None:
        self._zip = zipfile.ZipFile(path)
        self._files = {info.filename: info for info in self._zip.infolist() if not info.is_dir()}
        self._dirs = {"", *(name[:i] for name in self._zip.namelist() for i, c in enumerate(name) if c == "/")}

    def getattr(self, path: str, follow: bool = False) -> VAttr:
        if path in self._dirs:
            return VAttr(VType.VDIR, 0o555)
        if path in self._files:
            return VAttr(VType.VREG, 0o444, va_size=self._files[path].file_size)
        raise err(errno.ENOTDIR if any(path.startswith(f"{name}/") for name in self._files) else errno.ENOENT)

    def readdir(self, path: str) -> list[Dirent]:
        if self.getattr(path).va_type is not VType.VDIR:
            raise err(errno.ENOTDIR)
        below = f"{path}/" if path else ""
        names = {name[len(below) :].partition("/")[0] for name in {*self._files, *self._dirs} if name.startswith(below)}
        return [Dirent(name, self.getattr(below + name).va_type) for name in sorted(names - {""})]

    def open(self, path: str, flags: OpenFlag) -> Member:
        if self.getattr(path).va_type is VType.VDIR:
            raise err(errno.EISDIR)
        if flags & (OpenFlag.WRONLY | OpenFlag.RDWR):
            raise err(errno.EROFS)
        return Member(self._zip.read(path))


@hookimpl
def etfs_backend(source: Source, options: Mapping[str, object]) -> ZippedBackend | None:
    """Claim ``zipped:`` paths."""
    if not isinstance(source, str) or not source.startswith("zipped:"):
        return None
    if options:
        raise err(errno.EINVAL, hint="zipped has no options")
    return ZippedBackend(source.removeprefix("zipped:"))
