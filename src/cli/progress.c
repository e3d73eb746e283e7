#include "cli/progress.h"

#include "base/clock.h"

#include <stdio.h>
#include <unistd.h>

enum { PROGRESS_EVERY_MS = 200, PROGRESS_BAR = 20 };

static void bar(const struct progress *p, uint64_t bytes)
{
    unsigned full = (unsigned)((double)bytes / (double)p->total * PROGRESS_BAR);
    fputc('[', stderr);
    for (unsigned i = 0; i < PROGRESS_BAR; i++)
        fputc(i < full ? '=' : ' ', stderr);
    fprintf(stderr, "] %3.0f %%  ", (double)bytes / (double)p->total * 100);
}

void progress_show(struct progress *p, uint64_t bytes)
{
    int64_t now = clock_mono_ms();
    if (!p->terminal)
        p->terminal = isatty(STDERR_FILENO) ? 1 : -1;
    if (!p->begun_ms)
        p->begun_ms = now;
    if (p->terminal < 0 || now - p->shown_ms < PROGRESS_EVERY_MS)
        return;
    p->shown_ms = now;
    double seconds = (double)(now - p->begun_ms + 1) / 1000;
    fprintf(stderr, "\r\033[K%s: ", p->name);
    if (p->total && bytes <= p->total)
        bar(p, bytes);
    fprintf(stderr, "%.1f MiB", (double)bytes / 0x1p20);
    if (p->samples)
        fprintf(stderr, "  %llu samples  %.0f samples/s", (unsigned long long)p->samples,
                (double)p->samples / seconds);
    else
        fprintf(stderr, "  %.1f MiB/s", (double)bytes / 0x1p20 / seconds);
    fflush(stderr);
}

void progress_end(struct progress *p)
{
    if (p->terminal > 0 && p->shown_ms)
        fputs("\r\033[K", stderr);
}
