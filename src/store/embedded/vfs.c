/* SQLite's file system on a struct disk. One process opens a directory (DIR/lock) and each file
 * has one connection, so the locks of SQLite have nothing to do. */
#include "store/embedded/disk.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VFS_PATH_MAX = 4096 };

struct vfs_file {
    sqlite3_file base;
    struct disk *disk;
    int fd;
    char *path;
    bool created; /* the directory must be synced with the first sync */
    bool remove;  /* on closing */
};

static struct vfs_file *file_of(sqlite3_file *f)
{
    return (struct vfs_file *)(void *)f;
}

static int sync_parent(struct disk *d, const char *path)
{
    char parent[VFS_PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(parent, sizeof parent, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    return d->sync_dir(d, parent);
}

static int result_of(int disk_result, int otherwise)
{
    if (disk_result >= 0)
        return SQLITE_OK;
    return disk_result == -ENOSPC || disk_result == -EDQUOT ? SQLITE_FULL : otherwise;
}

static int vfs_close(sqlite3_file *base)
{
    struct vfs_file *f = file_of(base);
    f->disk->close(f->disk, f->fd);
    if (f->remove)
        f->disk->unlink(f->disk, f->path);
    free(f->path);
    return SQLITE_OK;
}

static int vfs_read(sqlite3_file *base, void *out, int n, sqlite3_int64 at)
{
    struct vfs_file *f = file_of(base);
    ssize_t got = 0, more;
    do {
        more = pread(f->fd, (char *)out + got, (size_t)(n - got), at + got);
        if (more > 0)
            got += more;
    } while (got < n && (more > 0 || (more < 0 && errno == EINTR)));
    if (more < 0)
        return SQLITE_IOERR_READ;
    if (got == n)
        return SQLITE_OK;
    memset((char *)out + got, 0, (size_t)(n - got));
    return SQLITE_IOERR_SHORT_READ;
}

static int vfs_write(sqlite3_file *base, const void *bytes, int n, sqlite3_int64 at)
{
    struct vfs_file *f = file_of(base);
    return result_of(f->disk->write(f->disk, f->fd, bytes, (size_t)n, at), SQLITE_IOERR_WRITE);
}

static int vfs_truncate(sqlite3_file *base, sqlite3_int64 size)
{
    struct vfs_file *f = file_of(base);
    return result_of(f->disk->resize(f->disk, f->fd, size), SQLITE_IOERR_TRUNCATE);
}

static int vfs_sync(sqlite3_file *base, int flags)
{
    (void)flags;
    struct vfs_file *f = file_of(base);
    int result = f->disk->sync(f->disk, f->fd);
    if (!result && f->created)
        result = sync_parent(f->disk, f->path);
    f->created &= result != 0;
    return result_of(result, SQLITE_IOERR_FSYNC);
}

static int vfs_size(sqlite3_file *base, sqlite3_int64 *out)
{
    struct stat info;
    if (fstat(file_of(base)->fd, &info))
        return SQLITE_IOERR_FSTAT;
    *out = info.st_size;
    return SQLITE_OK;
}

static int vfs_lock(sqlite3_file *base, int level)
{
    (void)base, (void)level;
    return SQLITE_OK;
}

static int vfs_reserved(sqlite3_file *base, int *out)
{
    (void)base;
    *out = 0;
    return SQLITE_OK;
}

static int vfs_control(sqlite3_file *base, int op, void *arg)
{
    (void)base, (void)op, (void)arg;
    return SQLITE_NOTFOUND;
}

static int vfs_sector(sqlite3_file *base)
{
    (void)base;
    return 4096;
}

static int vfs_traits(sqlite3_file *base)
{
    (void)base;
    return 0;
}

static const sqlite3_io_methods vfs_methods = {
    .iVersion = 1,
    .xClose = vfs_close,
    .xRead = vfs_read,
    .xWrite = vfs_write,
    .xTruncate = vfs_truncate,
    .xSync = vfs_sync,
    .xFileSize = vfs_size,
    .xLock = vfs_lock,
    .xUnlock = vfs_lock,
    .xCheckReservedLock = vfs_reserved,
    .xFileControl = vfs_control,
    .xSectorSize = vfs_sector,
    .xDeviceCharacteristics = vfs_traits,
};

static int vfs_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *base, int flags,
                    int *flags_out)
{
    struct disk *d = vfs->pAppData;
    if (!name) /* a temporary file: PRAGMA temp_store keeps those in memory */
        return SQLITE_CANTOPEN;
    int open_flags = flags & SQLITE_OPEN_READWRITE ? O_RDWR : O_RDONLY;
    int fd = d->open(d, name, open_flags);
    bool created = false;
    if (fd == -ENOENT && flags & SQLITE_OPEN_CREATE) {
        fd = d->open(d, name, open_flags | O_CREAT);
        created = true;
    }
    if (fd < 0)
        return result_of(fd, SQLITE_CANTOPEN);
    *file_of(base) = (struct vfs_file){
        .base.pMethods = &vfs_methods,
        .disk = d,
        .fd = fd,
        .path = mem_dup(name),
        .created = created,
        .remove = flags & SQLITE_OPEN_DELETEONCLOSE,
    };
    if (flags_out)
        *flags_out = flags;
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir)
{
    struct disk *d = vfs->pAppData;
    int result = d->unlink(d, name);
    if (result == -ENOENT)
        return SQLITE_IOERR_DELETE_NOENT;
    if (!result && sync_dir)
        result = sync_parent(d, name);
    return result_of(result, SQLITE_IOERR_DELETE);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
    (void)vfs, (void)flags;
    struct stat info;
    *out = stat(name, &info) == 0 && info.st_size > 0;
    return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
    (void)vfs;
    return snprintf(out, (size_t)size, "%s", name) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_randomness(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    return real->xRandomness(real, n, out);
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static int vfs_time(sqlite3_vfs *vfs, double *out)
{
    (void)vfs;
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    return real->xCurrentTime(real, out);
}

static int vfs_last_error(sqlite3_vfs *vfs, int n, char *out)
{
    (void)vfs, (void)n, (void)out;
    return errno;
}

struct known_vfs {
    struct known_vfs *next;
    struct disk *disk;
    char name[32];
    sqlite3_vfs vfs;
};

static pthread_mutex_t known_lock = PTHREAD_MUTEX_INITIALIZER;
static struct known_vfs *known;

const char *disk_vfs(struct disk *d)
{
    pthread_mutex_lock(&known_lock);
    struct known_vfs *k = known;
    while (k && k->disk != d)
        k = k->next;
    if (!k) {
        k = mem_zero(1, sizeof *k);
        k->next = known;
        k->disk = d;
        snprintf(k->name, sizeof k->name, "galen-%p", (void *)d);
        k->vfs = (sqlite3_vfs){
            .iVersion = 1,
            .szOsFile = sizeof(struct vfs_file),
            .mxPathname = VFS_PATH_MAX,
            .zName = k->name,
            .pAppData = d,
            .xOpen = vfs_open,
            .xDelete = vfs_delete,
            .xAccess = vfs_access,
            .xFullPathname = vfs_full_path,
            .xRandomness = vfs_randomness,
            .xSleep = vfs_sleep,
            .xCurrentTime = vfs_time,
            .xGetLastError = vfs_last_error,
        };
        sqlite3_vfs_register(&k->vfs, 0);
        known = k;
    }
    pthread_mutex_unlock(&known_lock);
    return k->name;
}
