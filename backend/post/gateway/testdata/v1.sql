-- The tables of a gateway's file, all owned by post/gateway. A change here is a step in file.go and a new frozen file in
-- testdata. Times are milliseconds since 1970.

-- setting: facts about this gateway: its domain, its addresses, the last UIDVALIDITY given, the revision of its logins.
CREATE TABLE setting (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- mailbox: what an address delivers into. A closed one takes no more; what is in it stays and can be read.
CREATE TABLE mailbox (
	no     INTEGER PRIMARY KEY AUTOINCREMENT,
	local  TEXT NOT NULL UNIQUE,
	closed INTEGER NOT NULL DEFAULT 0,
	bytes  INTEGER NOT NULL DEFAULT 0           -- of all its letters, for the quota
) STRICT;

-- login: a name and password that reads one mailbox and submits. Passwords are 160 random bits, so that their SHA-256
-- tells nothing about them and a slow hash would only slow the gateway down.
CREATE TABLE login (
	name    TEXT NOT NULL PRIMARY KEY,
	mailbox INTEGER NOT NULL REFERENCES mailbox (no),
	kind    TEXT NOT NULL CHECK (kind IN ('owner', 'staff', 'agent')),
	hash    BLOB NOT NULL,
	made    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- folder: of a mailbox. next only grows while validity stays, so that no UID is given twice.
CREATE TABLE folder (
	no         INTEGER PRIMARY KEY AUTOINCREMENT,
	mailbox    INTEGER NOT NULL REFERENCES mailbox (no),
	name       TEXT NOT NULL,
	special    TEXT NOT NULL DEFAULT '',        -- the use of RFC 6154, without its backslash
	subscribed INTEGER NOT NULL DEFAULT 1,
	validity   INTEGER NOT NULL,
	next       INTEGER NOT NULL DEFAULT 1,
	letters    INTEGER NOT NULL DEFAULT 0,
	bytes      INTEGER NOT NULL DEFAULT 0,
	UNIQUE (mailbox, name)
) STRICT;

-- letter: one in a folder. Its bytes stand apart, so that a scan of a folder reads none of them.
CREATE TABLE letter (
	folder  INTEGER NOT NULL REFERENCES folder (no),
	uid     INTEGER NOT NULL,
	arrived INTEGER NOT NULL,
	size    INTEGER NOT NULL,
	flags   INTEGER NOT NULL DEFAULT 0,         -- a bit for each of flagNames
	body    INTEGER NOT NULL,
	PRIMARY KEY (folder, uid)
) STRICT, WITHOUT ROWID;

-- piece: the bytes of bodies, in pieces of 256 KiB: a large letter is read without being held in memory. The pieces of
-- body b are numbered from b * 64.
CREATE TABLE piece (
	no    INTEGER PRIMARY KEY,
	bytes BLOB NOT NULL
) STRICT;
PRAGMA application_id = 1347638343;
PRAGMA user_version = 1;
