/* The journal of galen apply with any bytes in it, on a root of its own: named as none, or listed,
 * and what it says is put back only into parameters that Galen changes. */
#include "apply/apply.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char root[] = "/tmp/galen-fuzz-apply.XXXXXX";

static void put(const char *path, struct span text)
{
    char whole[256];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    FILE *f = fopen(whole, "w");
    if (!f || (text.len && fwrite(text.at, text.len, 1, f) != 1) || fclose(f))
        abort();
}

static void clean_up(void)
{
    static const char *const paths[] = {"var/lib/galen/apply.json",
                                        "var/lib/galen/apply.lock",
                                        "proc/sys/net/core/somaxconn",
                                        APPLY_CONF,
                                        "etc/sysctl.d",
                                        "etc",
                                        "var/lib/galen",
                                        "var/lib",
                                        "var",
                                        "proc/sys/net/core",
                                        "proc/sys/net",
                                        "proc/sys",
                                        "proc",
                                        "outside",
                                        ""};
    for (size_t i = 0; i < COUNT(paths); i++) {
        char whole[256];
        snprintf(whole, sizeof whole, "%s/%s", root, paths[i]);
        remove(whole);
    }
}

static void make_root(void)
{
    static const char *const folders[] = {"var/lib/galen", "proc/sys/net/core", "etc/sysctl.d"};
    if (!mkdtemp(root))
        abort();
    for (size_t i = 0; i < COUNT(folders); i++) {
        char whole[256];
        struct err err;
        snprintf(whole, sizeof whole, "%s/%s", root, folders[i]);
        if (dir_make(whole, 0755, &err))
            abort();
    }
    atexit(clean_up);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool made;
    if (!made)
        make_root();
    made = true;
    put("proc/sys/net/core/somaxconn", SPAN("512\n"));
    put("outside", SPAN("untouched"));
    put(APPLY_JOURNAL, span_from(data, size));
    auto_arena arena = {0};
    struct applied *all;
    struct err err;
    size_t n;
    if (apply_list(root, &arena, &all, &n, &err))
        return 0; /* no journal: nothing reads it */
    (void)!apply_overdue(root, INT64_MAX, &n, &err);
    (void)!apply_confirm(root, SPAN(""), &n, &err);
    (void)!apply_revert(root, SPAN("net.core.somaxconn"), &err);
    auto_buf text = {0};
    char whole[256];
    snprintf(whole, sizeof whole, "%s/outside", root);
    if (file_read(whole, &text, &err) || !span_is(buf_view(&text), "untouched"))
        __builtin_trap();
    return 0;
}
