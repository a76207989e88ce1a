/*
** Rollback journals and temporary files: SQLite writes any bytes of them at any place, so they are encrypted with AES-256-XTS,
** which needs no room, in sectors of 512 bytes. A write is widened to whole blocks of 16; those around it are encrypted to the
** same bytes as before, so a write that is torn damages nothing beside it. A file may end up to 15 bytes late, which SQLite does
** not mind in these.
**
** XTS hides and does not authenticate. A journal's pages are rolled back into the database, so each is sealed before it is
** encrypted. Temporary files are read by the process that wrote them, alone.
*/
#include <string.h>
#include "_cgo_export.h"

/* One step covers at most this much, from the start of a sector. */
enum { WINDOW = 4096 };

static sqlite3_int64 sector_of(sqlite3_int64 offset) { return offset - offset % SECTOR_SIZE; }

/* The part of [offset, offset+n) that one step covers, and the window of whole blocks around it. */
static int window(sqlite3_int64 offset, int n, sqlite3_int64 *start, int *wide)
{
    int skip = (int)(offset % SECTOR_SIZE);
    int take = n < WINDOW - skip ? n : WINDOW - skip;

    *start = sector_of(offset);
    *wide = (skip + take + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
    return take;
}

/* Reads a window and decrypts what of it is there; got is how much that is. The rest is zero. */
static int read_window(struct file *f, unsigned char *buf, int wide, sqlite3_int64 start, int *got)
{
    sqlite3_int64 size = 0;
    int rc = f->real->pMethods->xFileSize(f->real, &size);

    memset(buf, 0, wide);
    *got = 0;
    if (rc != SQLITE_OK || size <= start)
        return rc;
    *got = size - start < wide ? (int)(size - start) / BLOCK_SIZE * BLOCK_SIZE : wide;
    if (*got == 0)
        return SQLITE_OK;
    rc = read_real(f, buf, *got, start);
    if (rc == SQLITE_OK)
        atrestStream(f->cipher, 0, start / SECTOR_SIZE, buf, *got);
    return rc;
}

static int read_plain(struct file *f, unsigned char *out, int n, sqlite3_int64 offset)
{
    unsigned char buf[WINDOW];

    while (n > 0) {
        sqlite3_int64 start;
        int wide, got, take = window(offset, n, &start, &wide);
        int rc = read_window(f, buf, wide, start, &got);

        if (rc != SQLITE_OK)
            return rc;
        memcpy(out, buf + (offset - start), take);
        if (got < wide) {
            memset(out + take, 0, n - take);
            return SQLITE_IOERR_SHORT_READ;
        }
        out += take;
        n -= take;
        offset += take;
    }
    return SQLITE_OK;
}

static int write_plain(struct file *f, const unsigned char *data, int n, sqlite3_int64 offset)
{
    unsigned char buf[WINDOW];

    while (n > 0) {
        sqlite3_int64 start;
        int wide, got, take = window(offset, n, &start, &wide), rc = SQLITE_OK;

        if (take < wide)
            rc = read_window(f, buf, wide, start, &got);
        if (rc != SQLITE_OK)
            return rc;
        memcpy(buf + (offset - start), data, take);
        atrestStream(f->cipher, 1, start / SECTOR_SIZE, buf, wide);
        rc = f->real->pMethods->xWrite(f->real, buf, wide, start);
        if (rc != SQLITE_OK)
            return rc;
        data += take;
        n -= take;
        offset += take;
    }
    return SQLITE_OK;
}

/* A journal is heads, each at the start of a sector, and records of a page's number, the page and a checksum: 4104 bytes. So a
** page is the only thing of its size that begins four bytes behind a multiple of eight. */
static int is_journal_page(const struct file *f, int n, sqlite3_int64 offset)
{
    return f->type == SQLITE_OPEN_MAIN_JOURNAL && n == PAGE_SIZE && offset % 8 == 4;
}

int stream_read(struct file *f, void *out, int n, sqlite3_int64 offset)
{
    int rc = read_plain(f, out, n, offset);

    if (rc == SQLITE_OK && is_journal_page(f, n, offset)
        && !atrestUnseal(f->cipher, UNIT_JOURNAL_PAGE, offset, out, n)) {
        memset(out, 0, n);
        return SQLITE_IOERR_DATA; /* and not SQLITE_CORRUPT, after which SQLite would trust what is half rolled back */
    }
    return rc;
}

int stream_write(struct file *f, const void *data, int n, sqlite3_int64 offset)
{
    unsigned char sealed[PAGE_SIZE];

    if (!is_journal_page(f, n, offset))
        return write_plain(f, data, n, offset);
    if (!atrestSeal(f->cipher, UNIT_JOURNAL_PAGE, offset, (unsigned char *)data, n, sealed, PAGE_SIZE))
        return SQLITE_IOERR_WRITE;
    return write_plain(f, sealed, n, offset);
}
