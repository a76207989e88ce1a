-- The tables of version 5, frozen. DO NOT EDIT: files of this version are out there.
-- The kept tables of a replica: what cannot be made again from anything else on this computer.
-- A change here is a step in migrate.go, and a new frozen file in testdata. Derived tables are in derived.sql.
-- Ids of events are their 32 bytes, x'' where there is none; times are milliseconds since 1970, 0 where there is none.

-- setting: owned by record/store. Facts about this file.
CREATE TABLE setting (
	name  TEXT NOT NULL PRIMARY KEY,
	value TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

-- event: owned by record/journal. The signed bytes of every event that this replica holds, once each.
CREATE TABLE event (
	no      INTEGER PRIMARY KEY AUTOINCREMENT,
	id      BLOB NOT NULL UNIQUE,
	thread  BLOB NOT NULL DEFAULT x'',          -- the opening's id; x'' for an event about no thread
	raw     BLOB NOT NULL DEFAULT x'',          -- what was signed, never written again from fields
	sig     BLOB NOT NULL DEFAULT x'',
	verdict TEXT NOT NULL DEFAULT 'waiting' CHECK (verdict IN ('accepted', 'waiting', 'refused')),
	reason  TEXT NOT NULL DEFAULT '',
	awaits  BLOB NOT NULL DEFAULT x''           -- while it waits: the fingerprint of its author's key; x'': cannot be read yet
) STRICT;
CREATE INDEX event_thread ON event (thread);
CREATE INDEX event_waiting ON event (awaits, no) WHERE verdict = 'waiting';

-- signature: owned by record/journal. Further signatures that came with the bytes of an event that still waits: a copy
-- with a bad signature, arriving first, must not shadow the true one.
CREATE TABLE signature (
	event INTEGER NOT NULL REFERENCES event (no) ON DELETE CASCADE,
	sig   BLOB NOT NULL,
	PRIMARY KEY (event, sig)
) STRICT, WITHOUT ROWID;

-- sighting: owned by record/journal. In which mailboxes an event was seen, and since when by the server's date.
-- Mailbox '' is an event written here, before any mailbox has it.
CREATE TABLE sighting (
	event   INTEGER NOT NULL REFERENCES event (no) ON DELETE CASCADE,
	mailbox TEXT NOT NULL DEFAULT '',
	source  TEXT NOT NULL DEFAULT '',
	arrived INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (event, mailbox)
) STRICT, WITHOUT ROWID;

-- fetched: owned by record/journal. The UIDs that need no fetching, as ranges with both ends included: those whose bytes
-- are stored, and those that were looked at and lack something. Of equal lacks, ranges neither overlap nor touch.
CREATE TABLE fetched (
	source   TEXT NOT NULL,
	folder   TEXT NOT NULL,
	validity INTEGER NOT NULL,
	lacks    TEXT NOT NULL DEFAULT '', -- '': stored; else, in the words of who put it aside, what is awaited
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	PRIMARY KEY (source, folder, validity, lacks, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX fetched_lacks ON fetched (lacks) WHERE lacks <> '';

-- quarantine: owned by record/journal. What came and does not count, at most 10,000 rows.
CREATE TABLE quarantine (
	no       INTEGER PRIMARY KEY AUTOINCREMENT,
	mailbox  TEXT NOT NULL DEFAULT '',
	source   TEXT NOT NULL DEFAULT '',
	folder   TEXT NOT NULL DEFAULT '',
	validity INTEGER NOT NULL DEFAULT 0,
	uid      INTEGER NOT NULL DEFAULT 0,
	size     INTEGER NOT NULL DEFAULT 0,
	hash     BLOB NOT NULL DEFAULT x'',
	reason   TEXT NOT NULL DEFAULT '',
	known    INTEGER NOT NULL DEFAULT 0, -- 1: of a certified key, kept longer
	body     BLOB NOT NULL DEFAULT x'',
	UNIQUE (source, folder, validity, uid, hash)
) STRICT;
CREATE INDEX quarantine_known ON quarantine (known, no);

-- held: owned by record/outbox. Texts that their author sent and can still take back; nothing of them exists for others.
CREATE TABLE held (
	no      INTEGER PRIMARY KEY AUTOINCREMENT,
	draft   TEXT NOT NULL UNIQUE,
	what    TEXT NOT NULL CHECK (what IN ('message', 'reply', 'completion')),
	thread  BLOB NOT NULL DEFAULT x'',
	part    BLOB NOT NULL DEFAULT x'',
	patient TEXT NOT NULL DEFAULT '',
	office  TEXT NOT NULL DEFAULT '',
	topic   TEXT NOT NULL DEFAULT '',
	subject TEXT NOT NULL DEFAULT '',
	text    TEXT NOT NULL DEFAULT '',
	heads   BLOB NOT NULL DEFAULT x'', -- ids, one after the other
	basis   BLOB NOT NULL DEFAULT x'',
	covers  BLOB NOT NULL DEFAULT x'',
	written INTEGER NOT NULL DEFAULT 0,
	until   INTEGER NOT NULL DEFAULT 0,
	review  INTEGER NOT NULL DEFAULT 0,
	why     TEXT NOT NULL DEFAULT '',
	asked   INTEGER NOT NULL DEFAULT 0,
	private INTEGER NOT NULL DEFAULT 0 -- 1: of a new message: proxies do not read it
) STRICT;

-- became: owned by record/outbox. What a sent draft turned into, so that sending it twice sends it once.
CREATE TABLE became (
	draft  TEXT NOT NULL PRIMARY KEY,
	thread BLOB NOT NULL DEFAULT x'',
	part   BLOB NOT NULL DEFAULT x'',
	event  BLOB NOT NULL DEFAULT x''
) STRICT, WITHOUT ROWID;

-- letter: owned by record/outbox. One row for each event and mailbox that this device sends it to.
CREATE TABLE letter (
	no        INTEGER PRIMARY KEY AUTOINCREMENT,
	event     BLOB NOT NULL,
	mailbox   TEXT NOT NULL,
	thread    BLOB NOT NULL DEFAULT x'',
	sealed    BLOB NOT NULL DEFAULT x'', -- emptied once the mail system has it
	sealed_at INTEGER NOT NULL DEFAULT 0,
	state     TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'submitting', 'handed', 'confirmed', 'failed')),
	tries     INTEGER NOT NULL DEFAULT 0,
	gone      INTEGER NOT NULL DEFAULT 0, -- 1: a try had no end, so the mail system may have it
	next      INTEGER NOT NULL DEFAULT 0,
	reason    TEXT NOT NULL DEFAULT '',
	added     INTEGER NOT NULL DEFAULT 0,
	UNIQUE (event, mailbox)
) STRICT;
CREATE INDEX letter_thread ON letter (thread);
CREATE INDEX letter_open ON letter (state, no) WHERE state IN ('waiting', 'submitting', 'failed');

-- draft: owned by record/draft. Text that was typed and not sent.
CREATE TABLE draft (
	id      TEXT NOT NULL PRIMARY KEY,
	what    TEXT NOT NULL CHECK (what IN ('new', 'reply', 'note', 'closing')),
	thread  BLOB NOT NULL DEFAULT x'',
	part    BLOB NOT NULL DEFAULT x'',
	patient TEXT NOT NULL DEFAULT '', -- whose record a new message is for; '': its author's own
	private INTEGER NOT NULL DEFAULT 0,
	office  TEXT NOT NULL DEFAULT '',
	topic   TEXT NOT NULL DEFAULT '',
	subject TEXT NOT NULL DEFAULT '',
	text    TEXT NOT NULL DEFAULT '',
	saved   INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX draft_part ON draft (part);

-- seen: owned by record/seen. What the person of this profile has read on this computer.
CREATE TABLE seen (
	item BLOB NOT NULL PRIMARY KEY,
	part BLOB NOT NULL DEFAULT x''
) STRICT, WITHOUT ROWID;

-- document: owned by record/documents. The practice's signed documents, each as its signed bytes.
CREATE TABLE document (
	no        INTEGER PRIMARY KEY AUTOINCREMENT,
	kind      TEXT NOT NULL,
	bytes     BLOB NOT NULL,
	signature BLOB NOT NULL,
	hash      BLOB NOT NULL UNIQUE -- of kind, bytes and signature
) STRICT;

-- audit: owned by record/documents. The record of who looked at what: lines are added, and never changed or taken out. The
-- triggers are a belt; that nobody did all the same, hashes and signatures tell.
CREATE TABLE audit (
	no        INTEGER PRIMARY KEY AUTOINCREMENT,
	entry     BLOB NOT NULL,
	hash      BLOB NOT NULL, -- over the hash before it and the entry
	signature BLOB NOT NULL  -- of the profile's device, over the hash
) STRICT;
CREATE TRIGGER audit_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit record is never changed'); END;
CREATE TRIGGER audit_shortened BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'nothing is taken out of the audit record'); END;
CREATE TRIGGER audit_added BEFORE INSERT ON audit WHEN new.no <= (SELECT coalesce(max(no), 0) FROM audit)
BEGIN SELECT RAISE(ABORT, 'the audit record is added to at its end'); END;

-- digest: owned by record/digests. What devices of the care team told of their own audit records, a row an event.
CREATE TABLE digest (
	event   BLOB NOT NULL PRIMARY KEY,
	device  BLOB NOT NULL,
	person  TEXT NOT NULL DEFAULT '',
	day     TEXT NOT NULL DEFAULT '',     -- in the practice's zone, by the device's clock: 2026-11-23
	first   INTEGER NOT NULL DEFAULT 0,
	last    INTEGER NOT NULL DEFAULT 0,
	counts  TEXT NOT NULL DEFAULT '{}',   -- JSON
	before  TEXT NOT NULL DEFAULT '',     -- hashes, in base32
	head    TEXT NOT NULL DEFAULT '',
	broken  INTEGER NOT NULL DEFAULT 0,
	over    BLOB NOT NULL DEFAULT x'',    -- the digest before
	at      INTEGER NOT NULL DEFAULT 0,
	arrived INTEGER NOT NULL DEFAULT 0    -- the server's date; of one made here, this computer's
) STRICT, WITHOUT ROWID;
CREATE INDEX digest_device ON digest (device, last);

-- active: owned by record/digests. On which days a device of the care team signed something that is held here.
CREATE TABLE active (
	device BLOB NOT NULL,
	day    TEXT NOT NULL,
	PRIMARY KEY (device, day)
) STRICT, WITHOUT ROWID;

-- mail_out: owned by record/ordinary. Ordinary e-mails that the agent sends, a row each; what went out stays, without its bytes, for
-- counting how much an address was sent.
CREATE TABLE mail_out (
	key     BLOB NOT NULL PRIMARY KEY,  -- of a notice, its event; of an answer, the hash of what it answers
	address TEXT NOT NULL,
	mail    BLOB NOT NULL DEFAULT x'',  -- as it is submitted; x'': that is over
	name    TEXT NOT NULL DEFAULT '',   -- by which what the mail system sends back names it
	about   BLOB NOT NULL DEFAULT x'',  -- the other notices that the same mail carries
	added   INTEGER NOT NULL DEFAULT 0,
	tries   INTEGER NOT NULL DEFAULT 0,
	next    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_out_name ON mail_out (name);
CREATE INDEX mail_out_next ON mail_out (next) WHERE mail <> x'';
CREATE INDEX mail_out_address ON mail_out (address, added);

-- mail_in: owned by record/ordinary. Which ordinary e-mails were looked at, a row a place, and what became of them. A row goes some
-- time after its letter: until then the same mail is known, wherever it turns up.
CREATE TABLE mail_in (
	login    TEXT NOT NULL,
	folder   TEXT NOT NULL,
	validity INTEGER NOT NULL,
	uid      INTEGER NOT NULL,
	mail     BLOB NOT NULL DEFAULT x'', -- its hash; x'': it was too large to be read
	became   TEXT NOT NULL DEFAULT '',  -- what was done with it
	at       INTEGER NOT NULL DEFAULT 0,
	gone     INTEGER NOT NULL DEFAULT 0, -- since when the folder lists it no more; 0: it does
	PRIMARY KEY (login, folder, validity, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_in_mail ON mail_in (mail);
CREATE INDEX mail_in_gone ON mail_in (gone) WHERE gone > 0;

PRAGMA application_id = 1347638350;
PRAGMA user_version = 5;
