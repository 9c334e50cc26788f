"""Several fstabs as one: what is included comes first. Pure functions; no locks."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vfscore.fstab.entries import EtfsEntry, Fstab, FstabError, MountEntry

__all__ = ["merged"]


def merged(included: Sequence[Fstab], own: Fstab) -> Fstab:
    """Return *own* with the entries of the fstabs that it includes before its own, in their order.

    Raises:
        FstabError: a key is taken by another of them.
    """
    taken: dict[str, str] = {}
    mounts: list[MountEntry] = []
    keys: list[EtfsEntry] = []
    for fstab in (*included, own):
        for i, mount in enumerate(fstab.mount):
            if keys and (by := taken.get(mount.at)) and any(entry.key == mount.at for entry in keys):
                raise FstabError(f"{mount.at!r} is taken by {by}; one of them must go", fstab.name, f"mount[{i}].at")
            taken[mount.at] = f"{fstab.name}: mount[{i}]"
            mounts.append(mount)
        for i, entry in enumerate(fstab.etfs):
            by = taken.get(entry.key)
            if by is not None:
                raise FstabError(f"{entry.key!r} is taken by {by}; one of them must go", fstab.name, f"etfs[{i}].key")
            taken[entry.key] = f"{fstab.name}: etfs[{i}]"
            keys.append(entry)
    return msgspec.structs.replace(own, mount=tuple(mounts), etfs=tuple(keys), include=())
