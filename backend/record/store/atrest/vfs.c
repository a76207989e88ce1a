/*
** The VFS: SQLite's own one with other reads, writes and sizes. Locks, the shared memory of the log's index, syncing, names and
** time are SQLite's; what of those files is encrypted, and how, is in units.c and stream.c.
*/
#include <string.h>
#include "_cgo_export.h"

static sqlite3_vfs *own; /* SQLite's own for this system */

static sqlite3_file *real_of(sqlite3_file *file) { return ((struct file *)file)->real; }

/* SQLite's own VFS calls some errors of a disk "corrupt", and SQLite then takes the database for damaged. */
int read_real(struct file *f, void *out, int n, sqlite3_int64 offset)
{
    int rc = f->real->pMethods->xRead(f->real, out, n, offset);

    return rc == SQLITE_IOERR_CORRUPTFS ? SQLITE_IOERR_READ : rc;
}

static int has_units(const struct file *f)
{
    return f->type == SQLITE_OPEN_MAIN_DB || f->type == SQLITE_OPEN_WAL;
}

static int file_close(sqlite3_file *file)
{
    struct file *f = (struct file *)file;
    int rc = f->real->pMethods->xClose(f->real);

    atrestClose(f->cipher);
    f->cipher = 0;
    return rc;
}

static int file_read(sqlite3_file *file, void *out, int n, sqlite3_int64 offset)
{
    struct file *f = (struct file *)file;

    return has_units(f) ? units_read(f, out, n, offset) : stream_read(f, out, n, offset);
}

static int file_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 offset)
{
    struct file *f = (struct file *)file;

    return has_units(f) ? units_write(f, data, n, offset) : stream_write(f, data, n, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct file *f = (struct file *)file;

    if (f->type == SQLITE_OPEN_MAIN_DB && size % PAGE_SIZE != 0)
        return SQLITE_IOERR_TRUNCATE;
    if (f->type == SQLITE_OPEN_WAL)
        size = log_size_outside(size);
    if (!has_units(f)) /* whole blocks, or the last one could not be decrypted */
        size = (size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
    return f->real->pMethods->xTruncate(f->real, size);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    struct file *f = (struct file *)file;
    int rc = f->real->pMethods->xFileSize(f->real, size);

    if (rc == SQLITE_OK && f->type == SQLITE_OPEN_WAL)
        *size = log_size_inside(*size);
    return rc;
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    switch (op) {
    case SQLITE_FCNTL_MMAP_SIZE:  /* what is mapped would be read past this VFS */
    case SQLITE_FCNTL_SIZE_HINT:  /* and these two could lengthen the file by what is not sealed */
    case SQLITE_FCNTL_CHUNK_SIZE:
        return SQLITE_NOTFOUND;
    }
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

/* Of what the real file can do, only what is still true: no write is atomic, and no part of a page can be read by itself. */
static int file_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file))
        & (SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN);
}

static int file_sync(sqlite3_file *f, int flags) { return real_of(f)->pMethods->xSync(real_of(f), flags); }
static int file_lock(sqlite3_file *f, int level) { return real_of(f)->pMethods->xLock(real_of(f), level); }
static int file_unlock(sqlite3_file *f, int level) { return real_of(f)->pMethods->xUnlock(real_of(f), level); }
static int file_sector(sqlite3_file *f) { return real_of(f)->pMethods->xSectorSize(real_of(f)); }
static int file_reserved(sqlite3_file *f, int *out) { return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out); }
static void file_shm_barrier(sqlite3_file *f) { real_of(f)->pMethods->xShmBarrier(real_of(f)); }
static int file_shm_unmap(sqlite3_file *f, int del) { return real_of(f)->pMethods->xShmUnmap(real_of(f), del); }

static int file_shm_map(sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), region, size, extend, out);
}

static int file_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, n, flags);
}

/* Version 2 on purpose: with 3 SQLite would map the file into memory. */
static const sqlite3_io_methods methods = {
    2, file_close, file_read, file_write, file_truncate, file_sync, file_size, file_lock, file_unlock, file_reserved,
    file_control, file_sector, file_characteristics, file_shm_map, file_shm_lock, file_shm_barrier, file_shm_unmap, 0, 0,
};

/* What Go knows an open file by, or 0 where it may not be opened: no key in use is named for it, or it is of a sort that is not
** known here. A super-journal, which only transactions over several files have, holds names in the clear and is refused. */
static uintptr_t cipher_for(sqlite3_filename name, int type)
{
    switch (type) {
    case SQLITE_OPEN_MAIN_DB:
        return name ? atrestOpen(sqlite3_uri_int64(name, VFS_KEY, 0), type) : 0;
    case SQLITE_OPEN_MAIN_JOURNAL:
    case SQLITE_OPEN_WAL:
        return name ? atrestOpen(sqlite3_uri_int64(sqlite3_filename_database(name), VFS_KEY, 0), type) : 0;
    case SQLITE_OPEN_TEMP_DB:
    case SQLITE_OPEN_TRANSIENT_DB:
    case SQLITE_OPEN_TEMP_JOURNAL:
    case SQLITE_OPEN_SUBJOURNAL:
        return atrestOpen(0, type);
    }
    return 0;
}

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out)
{
    struct file *f = (struct file *)file;
    int rc;

    (void)vfs;
    f->base.pMethods = 0; /* nothing to close, until all has gone well */
    f->type = flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_TEMP_DB | SQLITE_OPEN_TRANSIENT_DB | SQLITE_OPEN_MAIN_JOURNAL
        | SQLITE_OPEN_TEMP_JOURNAL | SQLITE_OPEN_SUBJOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL);
    f->real = (sqlite3_file *)(f + 1);
    f->real->pMethods = 0;
    f->cipher = cipher_for(name, f->type);
    if (f->cipher == 0)
        return SQLITE_CANTOPEN;
    rc = own->xOpen(own, name, f->real, flags, out);
    if (rc == SQLITE_OK && f->real->pMethods->iVersion < 2)
        rc = SQLITE_CANTOPEN; /* without shared memory there is no log */
    if (rc != SQLITE_OK) {
        if (f->real->pMethods)
            f->real->pMethods->xClose(f->real); /* the first error is the one to tell */
        atrestClose(f->cipher);
        return rc;
    }
    f->base.pMethods = &methods;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *v, const char *name, int sync) { (void)v; return own->xDelete(own, name, sync); }
static int vfs_access(sqlite3_vfs *v, const char *name, int flags, int *out) { (void)v; return own->xAccess(own, name, flags, out); }
static int vfs_full(sqlite3_vfs *v, const char *name, int n, char *out) { (void)v; return own->xFullPathname(own, name, n, out); }
static int vfs_random(sqlite3_vfs *v, int n, char *out) { (void)v; return own->xRandomness(own, n, out); }
static int vfs_sleep(sqlite3_vfs *v, int microseconds) { (void)v; return own->xSleep(own, microseconds); }
static int vfs_time(sqlite3_vfs *v, double *now) { (void)v; return own->xCurrentTime(own, now); }
static int vfs_error(sqlite3_vfs *v, int n, char *out) { (void)v; return own->xGetLastError(own, n, out); }

/* No code is loaded through this VFS. */
static void *vfs_dl_open(sqlite3_vfs *v, const char *name) { (void)v; (void)name; return 0; }

static void vfs_dl_error(sqlite3_vfs *v, int n, char *out)
{
    (void)v;
    if (n > 0)
        out[0] = 0;
}

/* Version 1 is all that is needed. */
static sqlite3_vfs postern = {
    .iVersion = 1, .zName = VFS_NAME, .xOpen = vfs_open, .xDelete = vfs_delete, .xAccess = vfs_access,
    .xFullPathname = vfs_full, .xDlOpen = vfs_dl_open, .xDlError = vfs_dl_error, .xRandomness = vfs_random, .xSleep = vfs_sleep, .xCurrentTime = vfs_time, .xGetLastError = vfs_error,
};

int atrest_register(void)
{
    own = sqlite3_vfs_find(0);
    if (own == 0 || own->szOsFile <= 0)
        return -1;
    postern.szOsFile = (int)sizeof(struct file) + own->szOsFile;
    postern.mxPathname = own->mxPathname;
    return sqlite3_vfs_register(&postern, 0);
}
