/* See settle.h. Starting touches code and buffers that are hardly used again: the handshake's, the
 * first message's compression. */
#include "agent/settle.h"

#include "base/defs.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    /* Larger buffers are mapped on their own, and go back when they are freed. */
    MMAP_FROM_BYTES = 48 << 10,
    TRIM_FROM_BYTES = 48 << 10,
    TOP_PAD_BYTES = 16 << 10,
    CONSTANTS_MAX = 128, /* three of each library, and of those there are 13 */
};

void settle_prepare(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, MMAP_FROM_BYTES);
    mallopt(M_TRIM_THRESHOLD, TRIM_FROM_BYTES);
    mallopt(M_TOP_PAD, TOP_PAD_BYTES);
}

/* What an object's head says is itself a constant of it: all heads are read before any page goes,
 * or reading the next one would bring the first back. */
struct constants {
    struct {
        uintptr_t from, to;
    } at[CONSTANTS_MAX];
    size_t n;
};

/* Code and constants of the program and of its libraries. What was changed when it was relocated
 * (PT_GNU_RELRO) belongs to a segment that is writable by its head. */
static int find_constants(struct dl_phdr_info *object, size_t size UNUSED, void *arg)
{
    struct constants *c = arg;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE) - 1;
    for (size_t i = 0; i < object->dlpi_phnum && c->n < CONSTANTS_MAX; i++) {
        const ElfW(Phdr) *p = &object->dlpi_phdr[i];
        uintptr_t from = object->dlpi_addr + p->p_vaddr;
        if (p->p_type != PT_LOAD || p->p_flags & PF_W)
            continue;
        c->at[c->n].from = from & ~page;
        c->at[c->n++].to = (from + p->p_memsz + page) & ~page;
    }
    return 0;
}

/* Pages that are those of files: the kernel takes them and brings back those that are used. */
static void drop_constants(void)
{
    struct constants c = {0};
    dl_iterate_phdr(find_constants, &c);
    for (size_t i = 0; i < c.n; i++)
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): where the loader has put it */
        madvise((void *)c.at[i].from, c.at[i].to - c.at[i].from, MADV_DONTNEED);
}

void settle(void)
{
    malloc_trim(0);
    drop_constants();
}
