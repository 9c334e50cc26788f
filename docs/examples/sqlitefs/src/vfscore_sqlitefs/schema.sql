PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA foreign_keys = ON;
PRAGMA recursive_triggers = ON; -- what UPDATE OR REPLACE replaces is deleted, with all that follows

CREATE TABLE IF NOT EXISTS node (ino INTEGER PRIMARY KEY AUTOINCREMENT, type INT, mode INT, uid INT, gid INT, rdev INT,
    size INT, atime INT, mtime INT, ctime INT, btime INT, target BLOB);
CREATE TABLE IF NOT EXISTS entry (cookie INTEGER PRIMARY KEY AUTOINCREMENT, dir INT, name BLOB,
    ino INT REFERENCES node, UNIQUE (dir, name));
CREATE INDEX IF NOT EXISTS entry_dir ON entry (dir);
CREATE INDEX IF NOT EXISTS entry_ino ON entry (ino);
CREATE TABLE IF NOT EXISTS block (ino INT REFERENCES node ON DELETE CASCADE, n INT, data BLOB, UNIQUE (ino, n));

-- The fields of a VAttr, in their order; and the entries of a directory, with what ".." leads to.
CREATE TEMP VIEW attr AS SELECT ino, type, mode,
    (node.ino = 1) + (SELECT count(*) FROM entry WHERE entry.ino = node.ino) AS nlink,
    uid, gid, size, atime, mtime, ctime, btime, rdev FROM node;
CREATE TEMP VIEW child AS SELECT dir, name, ino, type, cookie FROM entry JOIN node USING (ino)
    UNION ALL SELECT ino, CAST('..' AS BLOB), dir, 2, 0 FROM entry;

-- Times, what goes with the last name, and what is cut off. They call functions of the mount, and so are of its connection.
CREATE TEMP TRIGGER named BEFORE INSERT ON entry WHEN new.dir != 1 AND NOT EXISTS (SELECT 1 FROM entry WHERE ino = new.dir)
BEGIN SELECT raise(ABORT, 'ENOENT'); END;
CREATE TEMP TRIGGER moved BEFORE UPDATE ON entry WHEN new.dir != 1 AND NOT EXISTS (SELECT 1 FROM entry WHERE ino = new.dir)
BEGIN SELECT raise(ABORT, 'ENOENT'); END;
CREATE TEMP TRIGGER filled BEFORE DELETE ON entry WHEN EXISTS (SELECT 1 FROM entry WHERE dir = old.ino)
BEGIN SELECT raise(ABORT, 'ENOTEMPTY'); END;
CREATE TEMP TRIGGER after_named AFTER INSERT ON entry BEGIN
    UPDATE node SET ctime = now(), mtime = iif(ino = new.dir, now(), mtime) WHERE ino IN (new.dir, new.ino);
END;
CREATE TEMP TRIGGER after_moved AFTER UPDATE ON entry BEGIN
    UPDATE node SET ctime = now(), mtime = iif(ino = old.ino, mtime, now()) WHERE ino IN (old.dir, new.dir, old.ino);
END;
CREATE TEMP TRIGGER after_unnamed AFTER DELETE ON entry BEGIN
    UPDATE node SET ctime = now(), mtime = iif(ino = old.dir, now(), mtime) WHERE ino IN (old.dir, old.ino);
    DELETE FROM node WHERE ino = old.ino AND NOT (is_open(ino) OR EXISTS (SELECT 1 FROM entry WHERE ino = old.ino));
END;
CREATE TEMP TRIGGER cut AFTER UPDATE OF size ON node WHEN new.size < old.size BEGIN
    DELETE FROM block WHERE ino = new.ino AND n * 4096 >= new.size;
    UPDATE block SET data = substr(data, 1, new.size % 4096) WHERE ino = new.ino AND n = new.size / 4096;
END;

INSERT OR IGNORE INTO node VALUES (1, 2, 493, 0, 0, 0, 0, now(), now(), now(), now(), NULL);
DELETE FROM node WHERE ino != 1 AND ino NOT IN (SELECT ino FROM entry); -- open to the end, when a process died
