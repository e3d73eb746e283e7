/* LD_PRELOAD for tests: a disk that fails while the file $GALEN_FAULTY is there. Its content is an
 * errno and a part of the paths that are meant ("5 /log/"). */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fault(int fd)
{
    const char *control = getenv("GALEN_FAULTY");
    char part[256] = "", link[64], path[4096];
    int number = 0;
    FILE *f = control ? fopen(control, "re") : NULL;
    if (!f)
        return 0;
    int n = fscanf(f, "%d %255s", &number, part);
    fclose(f);
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (n != 2 || len < 0)
        return 0;
    path[len] = 0;
    return strstr(path, part) ? number : 0;
}

#define FAULTY(type, name, parameters, arguments)                                                  \
    type name parameters;                                                                          \
    type name parameters                                                                           \
    {                                                                                              \
        type(*real) parameters = (type(*) parameters)dlsym(RTLD_NEXT, #name);                      \
        int number = fault(fd);                                                                    \
        if (!number)                                                                               \
            return real arguments;                                                                 \
        errno = number;                                                                            \
        return -1;                                                                                 \
    }

FAULTY(int, fdatasync, (int fd), (fd))
FAULTY(int, fsync, (int fd), (fd))
#ifdef FAULTY_WRITES
FAULTY(ssize_t, pwrite64, (int fd, const void *bytes, size_t n, off64_t at), (fd, bytes, n, at))
FAULTY(ssize_t, pwrite, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at))
#endif
