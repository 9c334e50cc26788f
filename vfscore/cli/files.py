"""The commands that read and change files: cat, cp, mv, rm, mkdir."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import sys
from urllib.parse import unquote, urlsplit

import click

from vfscore.cli.copying import Copier, Place, remove_tree
from vfscore.cli.progress import Meter
from vfscore.cli.session import Session, ns_path, pass_session, path_argument, shown
from vfscore.errors import err

__all__ = ["cat", "cp", "mkdir", "mv", "rm"]

_CHUNK = 1 << 20


def _any_paths(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Return paths of the namespace as they are, and those of the host (``file:///PATH`` too) as ``host:PATH``."""
    return tuple(path if path.startswith("host:") else _from_url(path) for path in values)


def _from_url(path: str) -> str:
    if not path.startswith("file://"):
        return ns_path(path)
    url = urlsplit(path)
    if url.netloc not in ("", "localhost"):
        raise click.UsageError(f"{path}: not a file of this host.")
    return "host:" + unquote(url.path, errors="surrogateescape")


def _place(session: Session, path: str) -> Place:
    if path.startswith("host:"):
        return Place(None, path.removeprefix("host:"))
    return Place(session.ns, path)


def _targets(session: Session, paths: tuple[str, ...]) -> list[tuple[Place, Place]]:
    """Return (source, target) for ``SOURCE… TARGET``: a target that is a directory takes the sources into itself."""
    *sources, last = (_place(session, path) for path in paths)
    if not sources:
        raise click.UsageError(f"Missing the target after '{paths[0]}'.")
    into = last.is_dir()
    if not into and len(sources) > 1:
        raise err(errno.ENOTDIR if last.lstat() else errno.ENOENT, str(last))
    return [(source, last.child(source.name()) if into else last) for source in sources]


def _say_move(source: Place, target: Place) -> None:
    click.echo(f"{shown(str(source))} -> {shown(str(target))}")


def _say_removed(place: Place) -> None:
    click.echo(f"removed {shown(str(place))}")


_sources_and_target = click.argument("paths", nargs=-1, required=True, callback=_any_paths, metavar="SOURCE... TARGET")
_progress = click.option(
    "--progress/--no-progress",
    default=None,
    help="Draw a progress bar on standard error.  [default: on a terminal, when it takes long]",
)
_verbose = click.option("-v", "--verbose", is_flag=True, help="Say what is done.")


@click.command()
@path_argument()
@pass_session
def cat(session: Session, paths: tuple[str, ...]) -> None:
    """Write files to standard output, one after the other; - is standard input."""
    sys.stdout.flush()
    out = sys.stdout.buffer
    for path in paths or ("-",):
        with session.going_on():
            if path == "-":
                read = sys.stdin.buffer.read
                while data := read(_CHUNK):
                    out.write(data)
                continue
            fd = session.ns.sys.open(path, os.O_RDONLY)
            try:
                while data := session.ns.sys.read(fd, _CHUNK):
                    out.write(data)
            finally:
                session.ns.sys.close(fd)
    out.flush()


@click.command()
@_sources_and_target
@click.option("-r", "-R", "--recursive", is_flag=True, help="Copy directories too, and links as links.")
@click.option("-p", "--preserve", is_flag=True, help="Keep mode, times, and the owner where that is allowed.")
@click.option("-n", "--no-clobber", is_flag=True, help="Do not replace a file that is there.")
@_verbose
@_progress
@pass_session
def cp(
    session: Session,
    paths: tuple[str, ...],
    recursive: bool,
    preserve: bool,
    no_clobber: bool,
    verbose: bool,
    progress: bool | None,
) -> None:
    """Copy files, within the namespace and between it and the host.

    \b
    vfs cp host:./taxi.csv /data/        from the host
    vfs cp -r /data host:/tmp/copy       to the host
    vfs cp -r vfs://data /scratch        within

    A path of the host is written host:PATH or file:///PATH.
    """  # noqa: D301  (click keeps the lines of a paragraph that begins with a real backspace)
    with Meter(progress) as meter:
        copier = Copier(
            session.complain,
            meter,
            recursive=recursive,
            preserve=preserve,
            clobber=not no_clobber,
            narrate=_say_move if verbose else None,
        )
        for source, target in _targets(session, paths):
            copier.copy(source, target)


@click.command()
@_sources_and_target
@click.option("-n", "--no-clobber", is_flag=True, help="Do not replace a file that is there.")
@_verbose
@_progress
@pass_session
def mv(session: Session, paths: tuple[str, ...], no_clobber: bool, verbose: bool, progress: bool | None) -> None:
    """Rename files, or move them into a directory.

    From one mount to another, and between namespace and host, that is a copy followed by a removal.  A path of the host
    is written host:PATH or file:///PATH.
    """
    with Meter(progress) as meter:
        copier = Copier(session.complain, meter, recursive=True, preserve=True)
        for source, target in _targets(session, paths):
            with session.going_on():
                if no_clobber and target.lstat() is not None:
                    continue
                if _move(session, copier, source, target) and verbose:
                    _say_move(source, target)


def _move(session: Session, copier: Copier, source: Place, target: Place) -> bool:
    if source.ns is target.ns:
        try:
            source.os.rename(source.path, target.path)
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
        else:
            return True
    moved, there = source.lstat(), target.lstat()
    if moved is not None and there is not None:
        if stat.S_ISDIR(moved.st_mode):
            target.os.rmdir(target.path)
        elif stat.S_ISLNK(there.st_mode):
            target.os.unlink(target.path)  # a copy would go where it leads
    return copier.copy(source, target) and remove_tree(source, session.complain)


@click.command()
@path_argument()
@click.option("-r", "-R", "--recursive", is_flag=True, help="Remove directories and what is in them.")
@click.option("-f", "--force", is_flag=True, help="Do not complain of what is not there.")
@click.option("--one-file-system", is_flag=True, help="Leave alone what is mounted or bound below.")
@_verbose
@pass_session
def rm(
    session: Session, paths: tuple[str, ...], recursive: bool, force: bool, one_file_system: bool, verbose: bool
) -> None:
    """Remove files.

    Below a key or mount point that means the files behind it: -r removes them from the host, and is then refused the
    key itself, which is busy.  The root is never removed.
    """
    if not paths and not force:
        raise click.UsageError("Missing argument 'PATHS...'.")
    narrate = _say_removed if verbose else None
    root = session.ns.sys.stat("/")
    for path in paths:
        with session.going_on():
            place = Place(session.ns, path)
            try:
                st = place.os.lstat(path)
            except FileNotFoundError:
                if force:
                    continue
                raise
            if (st.st_dev, st.st_ino) == (root.st_dev, root.st_ino):
                raise err(errno.EBUSY, path, hint="the root is not removed")
            if posixpath.basename(path.rstrip("/")) in (".", ".."):
                raise err(errno.EINVAL, path)
            if recursive:
                remove_tree(place, session.complain, narrate, st.st_dev if one_file_system else None)
            else:
                place.os.unlink(path)
                if narrate:
                    narrate(place)


@click.command()
@path_argument(required=True)
@click.option("-p", "--parents", is_flag=True, help="Make missing parents; a directory that is there is no error.")
@click.option("-m", "--mode", metavar="OCTAL", help="The permission bits, for instance 750.")
@_verbose
@pass_session
def mkdir(session: Session, paths: tuple[str, ...], parents: bool, mode: str | None, verbose: bool) -> None:
    """Make directories."""
    try:
        bits = None if mode is None else int(mode, 8)
    except ValueError:
        raise click.BadParameter(f"'{mode}' is not an octal number.", param_hint="'-m'") from None
    make = session.ns.sys
    for path in paths:
        with session.going_on():
            if parents:
                make.makedirs(path, exist_ok=True)
            else:
                make.mkdir(path)
            if bits is not None:
                make.chmod(path, bits)
            if verbose:
                click.echo(f"made {shown(path)}")
