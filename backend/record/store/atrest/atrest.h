#ifndef POSTERN_ATREST_H
#define POSTERN_ATREST_H

#include "sqlite.h"

#define VFS_NAME "postern"
#define VFS_KEY "key" /* the parameter of a file's URI that names a key in use; never the key itself */

/* What one seal covers. The number is part of what is authenticated. */
enum {
    UNIT_PAGE = 1,         /* a page of the database, by its number from 1 */
    UNIT_LOG_HEAD = 2,     /* the head of the write-ahead log, 0 */
    UNIT_FRAME_HEAD = 3,   /* the head of a frame of it, by the frame's number from 1 */
    UNIT_FRAME_PAGE = 4,   /* the page in that frame, by the same number */
    UNIT_JOURNAL_PAGE = 5  /* the page in a record of a rollback journal, by its offset there */
};

enum {
    PAGE_SIZE = 4096,    /* always: SQLite's default, and what the layout of the log is counted in */
    SEAL_SIZE = 40,      /* a tag of 16 bytes and a nonce of 24 */
    LOG_HEAD_SIZE = 32,  /* as SQLite sees it; with its seal it is longer on the disk */
    FRAME_HEAD_SIZE = 24,
    SECTOR_SIZE = 512,   /* what one tweak of XTS is for, in journals and temporary files */
    BLOCK_SIZE = 16      /* and what it encrypts at a time */
};

/* An open file: SQLite's own file follows in the same memory. */
struct file {
    sqlite3_file base;
    sqlite3_file *real;
    uintptr_t cipher; /* what Go knows it by */
    int type;         /* one of SQLITE_OPEN_MAIN_DB and so on */
};

/* units.c: the database and its log, which consist of sealed units. */
int units_read(struct file *f, void *out, int n, sqlite3_int64 offset);
int units_write(struct file *f, const void *data, int n, sqlite3_int64 offset);
sqlite3_int64 log_size_inside(sqlite3_int64 outside);
sqlite3_int64 log_size_outside(sqlite3_int64 inside);

/* stream.c: journals and temporary files, of which any bytes may be written. */
int stream_read(struct file *f, void *out, int n, sqlite3_int64 offset);
int stream_write(struct file *f, const void *data, int n, sqlite3_int64 offset);

/* vfs.c: reads what lies on the disk. A disk that fails is an input or output error, and never a damaged file. */
int read_real(struct file *f, void *out, int n, sqlite3_int64 offset);

/* vfs.c: makes SQLite know the VFS. It returns a result code of SQLite's, or -1 where this SQLite has no files. */
int atrest_register(void);

#endif
