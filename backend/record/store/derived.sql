-- The derived tables of a replica: folded from the journal by record/projection, which alone writes them, and folded
-- again whenever this file changes. They hold nothing that the journal does not. Conventions as in schema.sql.

-- projection: by which version of the projection the tables below were written. No row: they are to be written anew.
CREATE TABLE projection (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	version INTEGER NOT NULL
) STRICT;

-- conversation: one folded opening with its follow-ups, as JSON. Texts stand in item.
CREATE TABLE conversation (
	thread BLOB NOT NULL PRIMARY KEY,
	about  TEXT NOT NULL DEFAULT '', -- the words beside its texts by which it is found; '' until its opening is here
	folded TEXT NOT NULL DEFAULT '',
	waits  INTEGER NOT NULL DEFAULT 0 -- 1: an event of it does not count yet
) STRICT;
CREATE INDEX conversation_waits ON conversation (thread) WHERE waits = 1;

-- stale: conversations that were folded by what is no longer known, and are to be folded again.
CREATE TABLE stale (
	thread BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- part: one row a conversation in a list: the thread itself or a follow-up of it.
CREATE TABLE part (
	thread   BLOB NOT NULL,
	id       BLOB NOT NULL,              -- an event may name any: two threads may have one of the same id,
	own      INTEGER NOT NULL DEFAULT 0, -- 1: then this one counts, the thread itself or a follow-up that it was led to
	of       BLOB NOT NULL DEFAULT x'', -- the part that it follows up
	place    INTEGER NOT NULL DEFAULT 0, -- among the thread's parts
	patient  TEXT NOT NULL DEFAULT '',
	office   TEXT NOT NULL DEFAULT '',
	subject  TEXT NOT NULL DEFAULT '',
	topic    TEXT NOT NULL DEFAULT '',
	snippet  TEXT NOT NULL DEFAULT '',
	at       INTEGER NOT NULL DEFAULT 0,
	open     INTEGER NOT NULL DEFAULT 0,
	awaits   TEXT NOT NULL DEFAULT '',
	due      INTEGER NOT NULL DEFAULT 0,
	owner    TEXT NOT NULL DEFAULT '',
	flagged  INTEGER NOT NULL DEFAULT 0,
	flags    TEXT NOT NULL DEFAULT '',  -- what is off with its messages, one a line
	notes    INTEGER NOT NULL DEFAULT 0,
	bridged  INTEGER NOT NULL DEFAULT 0, -- how many replies that came by ordinary e-mail wait to be accepted or declined
	state    TEXT NOT NULL DEFAULT '',  -- by events alone; letters and held texts come on top
	said     TEXT NOT NULL DEFAULT '',  -- who replied or completed
	last     BLOB NOT NULL DEFAULT x'', -- the message whose delivery the state is about
	ours     INTEGER NOT NULL DEFAULT 0, -- 1: that message is the office's
	failure  TEXT NOT NULL DEFAULT '',  -- the mail system's words about it
	PRIMARY KEY (thread, id)
) STRICT;
CREATE INDEX part_id ON part (id);
CREATE INDEX part_of ON part (of) WHERE of <> x'';
CREATE INDEX part_patient ON part (patient, at);
CREATE INDEX part_failed ON part (id) WHERE failure <> '';
CREATE INDEX part_open ON part (office, awaits, flagged, owner, due) WHERE open = 1;
CREATE INDEX part_bridged ON part (office) WHERE bridged > 0;
CREATE INDEX part_done ON part (office, at) WHERE open = 0;

-- notice: ordinary e-mails that told of a conversation. One that takes a reply has the hash of the token that the reply bears.
CREATE TABLE notice (
	thread  BLOB NOT NULL,
	id      BLOB NOT NULL,
	part    BLOB NOT NULL,
	reply   TEXT NOT NULL,
	mailbox TEXT NOT NULL,
	until   INTEGER NOT NULL,
	at      INTEGER NOT NULL,
	failure TEXT NOT NULL DEFAULT '', -- it came back: the mail system's words
	PRIMARY KEY (thread, id)
) STRICT;
CREATE INDEX notice_reply ON notice (reply) WHERE reply <> '';
CREATE INDEX notice_mailbox ON notice (mailbox, at);

-- item: one thing in a conversation. Its number is its time in seconds and a piece of its id, so that searching newest
-- first is walking backwards, and two replicas number alike.
CREATE TABLE item (
	no     INTEGER PRIMARY KEY,
	id     BLOB NOT NULL,
	thread BLOB NOT NULL,
	part   BLOB NOT NULL,
	kind   TEXT NOT NULL CHECK (kind IN ('message', 'note', 'complete', 'bridged')),
	news   TEXT NOT NULL DEFAULT '' CHECK (news IN ('', 'member', 'office')), -- who may not have read it yet
	text   TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX item_thread ON item (thread);
CREATE INDEX item_news ON item (part, news) WHERE news <> '';

-- search: the words of each item and of what it is about, by its number, once the opening of its thread is here: letters
-- come newest first, and everything would be indexed twice. Words are prepared by store.Words, so that the same text gives the
-- same words here and in a query whatever it holds.
CREATE VIRTUAL TABLE search USING fts5 (words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');

-- search_words: the words of the index, for finding those that begin alike. It holds nothing of its own.
CREATE VIRTUAL TABLE search_words USING fts5vocab (search, instance);
