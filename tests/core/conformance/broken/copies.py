"""What can be wrong with copying many files at once: of a backend, and of a file system."""

import errno

from tests.core.conformance.broken.storage import BACKENDS, Storage
from tests.core.conformance.broken.volume import FILESYSTEMS, VolumeOps
from vfscore.genfs.bulk import genfs_copy_many
from vfscore.plugin import ROOT_CRED, OpenFlag, err, hookimpl


@BACKENDS.fault("copying many stops at the first fault", "test_copy_many_says_what_each_fault_is")
class CopiesUpToAFault(Storage):
    def copy_many(self, pairs, mode):
        results = []
        for pair in pairs:
            results.append(None if any(results) else self.attempt(self.copy, *pair, mode))
        return results


@BACKENDS.fault("a copy leaves the end of a longer file", "test_copy_many_creates_and_replaces")
class CopiesOver(Storage):
    def copy(self, source, target, mode):
        data = self.load(source)
        handle = self.create(target, OpenFlag.RDWR | OpenFlag.CREAT, mode)
        try:
            if handle.node is self.node(source):
                raise err(errno.EINVAL)
            handle.pwrite(data, 0)
        finally:
            handle.close()


@BACKENDS.fault("a copy onto itself empties the file", "test_copy_many_says_what_each_fault_is")
class CopiesOntoItself(Storage):
    def copy(self, source, target, mode):
        if source == target:
            self.store(target, b"")
            raise err(errno.EINVAL)
        super().copy(source, target, mode)


@BACKENDS.fault("a copy is the file itself", "test_copy_many_leaves_copies_that_know_nothing_of_each_other")
class CopiesAreLinks(Storage):
    def copy(self, source, target, mode):
        super().copy(source, target, mode)
        where, name = self.place(target)
        where.data[name] = self.node(source)


@BACKENDS.fault("a copy has its name quoted", "test_copy_many_takes_awkward_names")
class QuotedCopies(Storage):
    def copy(self, source, target, mode):
        super().copy(source, target.replace("%", "%25").replace(" ", "+"), mode)


@FILESYSTEMS.fault("copying many asks for no access", "test_copy_many_checks_the_credential")
class UncheckedCopies(VolumeOps):
    @hookimpl
    def vop_copy_many(self, dvp, pairs, mode):
        return genfs_copy_many(dvp, pairs, mode, ROOT_CRED)


@FILESYSTEMS.fault("a copy onto itself empties the file", "test_copy_many_onto_the_same_file_keeps_it")
class EmptiesItself(VolumeOps):
    @hookimpl
    def vop_copy_many(self, dvp, pairs, mode, cred):
        done = genfs_copy_many(dvp, pairs, mode, cred)
        for source, target in pairs:
            if source == target:
                dvp.v_data.entries[source][0].data = bytearray()
        return done


@FILESYSTEMS.fault("a copy ends after a piece", "test_copy_many_copies_what_is_larger_than_a_piece")
class CopiesAPiece(VolumeOps):
    @hookimpl
    def vop_copy_many(self, dvp, pairs, mode, cred):
        done = genfs_copy_many(dvp, pairs, mode, cred)
        for i, (_, target) in enumerate(pairs):
            if done[i] is None and target in dvp.v_data.entries:
                node = dvp.v_data.entries[target][0]
                node.data = node.data[: 4 << 20]
        return done
