/*
** The database and its write-ahead log: sealed units, one after the other.
**
** The database is pages of 4096 bytes, of which SQLite leaves the last 40 free: the seal lies there, so a page has the same
** place and size outside as inside. The log is a head of 32 bytes and frames of a head of 24 and a page; there is no room in
** those heads, so outside each is 40 bytes longer, and offsets are counted anew.
**
** SQLite writes whole units only, as long as the file system keeps the bytes beside a write safe (its "powersafe overwrite",
** which it takes for granted itself). Anything else is refused here rather than guessed at.
*/
#include <string.h>
#include "_cgo_export.h"

enum {
    FRAME_SIZE = FRAME_HEAD_SIZE + PAGE_SIZE,
    LOG_HEAD_STORED = LOG_HEAD_SIZE + SEAL_SIZE,
    FRAME_HEAD_STORED = FRAME_HEAD_SIZE + SEAL_SIZE,
    FRAME_STORED = FRAME_HEAD_STORED + PAGE_SIZE,
    HEADER_SIZE = 100,               /* of a database, at the beginning of its first page */
    LOCK_PAGE_OFFSET = 0x40000000    /* SQLite locks bytes of this page, which holds nothing */
};

struct unit {
    int kind;
    sqlite3_int64 number;
    sqlite3_int64 start; /* inside: where it begins for SQLite */
    int size;
    sqlite3_int64 at;    /* outside: where it begins in the file */
    int stored;
};

static struct unit unit_at(const struct file *f, sqlite3_int64 offset)
{
    struct unit u;
    sqlite3_int64 frame, within;

    if (f->type == SQLITE_OPEN_MAIN_DB) {
        u.kind = UNIT_PAGE;
        u.number = offset / PAGE_SIZE + 1;
        u.start = u.at = (u.number - 1) * PAGE_SIZE;
        u.size = u.stored = PAGE_SIZE;
        return u;
    }
    if (offset < LOG_HEAD_SIZE) {
        u.kind = UNIT_LOG_HEAD;
        u.number = 0;
        u.start = u.at = 0;
        u.size = LOG_HEAD_SIZE;
        u.stored = LOG_HEAD_STORED;
        return u;
    }
    frame = (offset - LOG_HEAD_SIZE) / FRAME_SIZE;
    within = (offset - LOG_HEAD_SIZE) % FRAME_SIZE;
    u.number = frame + 1;
    u.start = LOG_HEAD_SIZE + frame * FRAME_SIZE;
    u.at = LOG_HEAD_STORED + frame * FRAME_STORED;
    if (within < FRAME_HEAD_SIZE) {
        u.kind = UNIT_FRAME_HEAD;
        u.size = FRAME_HEAD_SIZE;
        u.stored = FRAME_HEAD_STORED;
        return u;
    }
    u.kind = UNIT_FRAME_PAGE;
    u.start += FRAME_HEAD_SIZE;
    u.at += FRAME_HEAD_STORED;
    u.size = u.stored = PAGE_SIZE;
    return u;
}

/* The size of a log as SQLite counts it, without what was begun and not ended. */
sqlite3_int64 log_size_inside(sqlite3_int64 outside)
{
    sqlite3_int64 frames, rest;

    if (outside < LOG_HEAD_STORED)
        return 0;
    frames = (outside - LOG_HEAD_STORED) / FRAME_STORED;
    rest = (outside - LOG_HEAD_STORED) % FRAME_STORED;
    return LOG_HEAD_SIZE + frames * FRAME_SIZE + (rest >= FRAME_HEAD_STORED ? FRAME_HEAD_SIZE : 0);
}

/* The other way round; a unit that begins before the end is kept whole. */
sqlite3_int64 log_size_outside(sqlite3_int64 inside)
{
    struct file log = {.type = SQLITE_OPEN_WAL};
    struct unit last;

    if (inside <= 0)
        return 0;
    last = unit_at(&log, inside - 1);
    return last.at + last.stored;
}

static int is_zero(const unsigned char *p, int n)
{
    while (n > 0 && p[n - 1] == 0)
        n--;
    return n == 0;
}

/* Reads across units. What does not open is SQLITE_CORRUPT; what lies behind the end reads as zeros, as SQLite asks for. */
static int read_plain(struct file *f, unsigned char *out, int n, sqlite3_int64 offset)
{
    unsigned char buf[PAGE_SIZE];

    while (n > 0) {
        struct unit u = unit_at(f, offset);
        int skip = (int)(offset - u.start);
        int take = u.size - skip < n ? u.size - skip : n;
        unsigned char *to = take == u.stored ? out : buf; /* a whole page opens where it is wanted */
        int rc = read_real(f, to, u.stored, u.at);

        if (rc != SQLITE_OK) {
            memset(out, 0, n);
            return rc;
        }
        if (!atrestUnseal(f->cipher, u.kind, u.number, to, u.stored)) {
            memset(out, 0, n);
            /* Where the power went off before the log's first bytes were on the disk, there is no log. */
            if (u.kind != UNIT_LOG_HEAD || !is_zero(buf, u.stored))
                return SQLITE_CORRUPT;
        }
        if (to == buf)
            memcpy(out, buf + skip, take);
        out += take;
        n -= take;
        offset += take;
    }
    return SQLITE_OK;
}

int units_read(struct file *f, void *out, int n, sqlite3_int64 offset)
{
    unsigned char *to = out;
    int rc = read_plain(f, to, n, offset);

    if (f->type == SQLITE_OPEN_MAIN_DB && offset == 0 && n == HEADER_SIZE
        && (rc == SQLITE_IOERR_SHORT_READ || rc == SQLITE_CORRUPT)) {
        /* So SQLite asks, before it holds a lock, what pages the file has. All have the same: 4096 bytes of which 40 are free.
        ** Thus a new database is made with room for the seals, and one whose first page is just being written, or is damaged and
        ** whole in the log, can still be opened: SQLite reads the page itself once it holds the lock, and that must open. */
        memset(to, 0, n);
        to[16] = PAGE_SIZE >> 8;
        to[20] = SEAL_SIZE;
        return SQLITE_OK;
    }
    if (f->type == SQLITE_OPEN_WAL && n == FRAME_SIZE && rc == SQLITE_CORRUPT) {
        /* So SQLite looks, after a crash, how far the log goes. A frame that was not written to its end is no error there: zeros
        ** end the log, since their salt is not the log's. */
        memset(to, 0, n);
        return SQLITE_OK;
    }
    return rc;
}

static int write_unit(struct file *f, const struct unit *u, const unsigned char *data)
{
    unsigned char buf[PAGE_SIZE];

    if (!atrestSeal(f->cipher, u->kind, u->number, (unsigned char *)data, u->size, buf, u->stored))
        return SQLITE_IOERR_WRITE;
    return f->real->pMethods->xWrite(f->real, buf, u->stored, u->at);
}

/* A page that SQLite freed before it was ever written leaves a hole when a later one is written. It may be read all the same,
** so it is filled: then every page of the file opens, and one that does not is damaged. */
static int fill_gap(struct file *f, sqlite3_int64 until)
{
    static const unsigned char zeros[PAGE_SIZE];
    sqlite3_int64 size = 0;
    int rc = f->real->pMethods->xFileSize(f->real, &size);

    for (size -= size % PAGE_SIZE; rc == SQLITE_OK && size < until; size += PAGE_SIZE) {
        struct unit u = unit_at(f, size);

        if (u.at != LOCK_PAGE_OFFSET)
            rc = write_unit(f, &u, zeros);
    }
    return rc;
}

int units_write(struct file *f, const void *data, int n, sqlite3_int64 offset)
{
    const unsigned char *from = data;

    while (n > 0) {
        struct unit u = unit_at(f, offset);
        int rc;

        if (offset != u.start || n < u.size)
            return SQLITE_IOERR_WRITE;
        /* A frame without a page's number is what units_read gives for one that is damaged: SQLite would write it back. */
        if (u.kind == UNIT_FRAME_HEAD && is_zero(from, 4))
            return SQLITE_CORRUPT;
        if (u.kind == UNIT_PAGE && (rc = fill_gap(f, u.at)) != SQLITE_OK)
            return rc;
        if ((rc = write_unit(f, &u, from)) != SQLITE_OK)
            return rc;
        from += u.size;
        n -= u.size;
        offset += u.size;
    }
    return SQLITE_OK;
}
