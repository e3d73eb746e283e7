#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_BLOCK_BYTES = 16 << 10, ARENA_ALIGN = 16 };

struct arena_block {
    struct arena_block *older;
    size_t size;
    _Alignas(ARENA_ALIGN) char bytes[];
};

static void *checked(void *p)
{
    if (p)
        return p;
    static const char text[] = "galen: out of memory\n";
    fputs(text, stderr);
    abort();
}

void *mem_alloc(size_t n)
{
    return checked(malloc(n ? n : 1));
}

void *mem_zero(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *mem_grow(void *old, size_t n)
{
    return checked(realloc(old, n ? n : 1));
}

char *mem_dup_span(struct span s)
{
    char *copy = mem_alloc(s.len + 1);
    if (s.len)
        memcpy(copy, s.at, s.len);
    copy[s.len] = 0;
    return copy;
}

char *mem_dup(const char *text)
{
    return mem_dup_span(span_of(text));
}

static void add_block(struct arena *a, size_t at_least)
{
    size_t size = MAX(at_least, (size_t)ARENA_BLOCK_BYTES);
    if (a->head && a->head->size < (1u << 20))
        size = MAX(size, a->head->size * 2);
    struct arena_block *b = mem_alloc(sizeof *b + size);
    b->older = a->head;
    b->size = size;
    a->head = b;
    a->used = 0;
    a->size = size;
}

void *arena_alloc(struct arena *a, size_t n)
{
    size_t need = (n + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (need < n)
        checked(NULL);
    if (!a->head || a->size - a->used < need)
        add_block(a, need);
    void *p = a->head->bytes + a->used;
    a->used += need;
    a->total_bytes += need;
    return p;
}

void *arena_zero(struct arena *a, size_t count, size_t size)
{
    size_t n;
    if (__builtin_mul_overflow(count, size, &n))
        checked(NULL);
    void *p = arena_alloc(a, n);
    memset(p, 0, n);
    return p;
}

void *arena_grow(struct arena *a, void *old, size_t old_bytes, size_t new_bytes)
{
    size_t old_need = (old_bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    size_t new_need = (new_bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    bool last = old && a->head && (char *)old + old_need == a->head->bytes + a->used;
    if (last && new_need >= old_need && a->size - a->used >= new_need - old_need) {
        a->used += new_need - old_need;
        a->total_bytes += new_need - old_need;
        return old;
    }
    void *p = arena_alloc(a, new_bytes);
    if (old && old_bytes)
        memcpy(p, old, MIN(old_bytes, new_bytes));
    return p;
}

char *arena_dup_span(struct arena *a, struct span s)
{
    char *copy = arena_alloc(a, s.len + 1);
    if (s.len)
        memcpy(copy, s.at, s.len);
    copy[s.len] = 0;
    return copy;
}

char *arena_dup(struct arena *a, const char *text)
{
    return arena_dup_span(a, span_of(text));
}

struct span arena_span(struct arena *a, struct span s)
{
    return span_from(arena_dup_span(a, s), s.len);
}

char *arena_printf(struct arena *a, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    size_t size = n < 0 ? 1 : (size_t)n + 1;
    char *text = arena_alloc(a, size);
    text[0] = 0;
    vsnprintf(text, size, format, again);
    va_end(again);
    return text;
}

static void free_older(struct arena_block *b)
{
    while (b) {
        struct arena_block *older = b->older;
        free(b);
        b = older;
    }
}

void arena_reset(struct arena *a)
{
    /* Blocks only grow, so the newest is the largest: the one worth keeping. */
    if (a->head) {
        free_older(a->head->older);
        a->head->older = NULL;
    }
    a->used = 0;
    a->total_bytes = 0;
}

void arena_free(struct arena *a)
{
    free_older(a->head);
    *a = (struct arena){0};
}
