#include "mix.h"

#include "templates.h"
#include "util.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct state {
    double value;
    uint64_t rng;
    float rate;
    bool burst;
    uint8_t kind;
    uint16_t template;
};

struct mix mix = {.hosts = 10, .series_per_host = BASE, .interval_ms = 10000, .seed = 1};

static const struct template *templates;
static struct state *states;

static double *trace;
static size_t trace_rows, trace_cols;

static struct state *state_of(int host, int index)
{
    return &states[(size_t)host * (size_t)mix.series_per_host + (size_t)index];
}

/* ---- chance ---- */

static uint64_t scramble(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t draw(struct state *s)
{
    s->rng ^= s->rng << 13;
    s->rng ^= s->rng >> 7;
    s->rng ^= s->rng << 17;
    return s->rng;
}

static double unit(struct state *s)
{
    return (double)(draw(s) >> 11) * 0x1p-53;
}

/* ---- values ---- */

static void first_value(struct state *s, int host, int index)
{
    int copy = index / BASE;
    /* with fewer than 250, take them evenly so that the proportions hold */
    int t = mix.series_per_host < BASE ? (int)((int64_t)index * BASE / mix.series_per_host)
                                       : index % BASE;
    s->template = (uint16_t)t;
    s->kind = (uint8_t)templates[t].kind;
    s->rng = scramble(mix.seed * 1000003 + (uint64_t)host * 4099 + (uint64_t)index +
                      ((uint64_t)copy << 40)) |
             1;
    for (int i = 0; i < 3; i++)
        draw(s);
    double scale = templates[t].scale, u = unit(s);
    switch (templates[t].kind) {
    case CPU:
        s->rate = (float)scale;
        s->value = floor(u * 1e8) / 100;
        break;
    case BYTES:
        s->rate = (float)(scale * pow(10, 2 + 4.5 * unit(s)));
        s->value = floor(u * 1e12);
        break;
    case PACKETS:
        s->rate = (float)(scale * pow(10, 3.5 * unit(s)));
        s->value = floor(u * 1e9);
        break;
    case ERRORS:
        s->value = u < 0.6 ? 0 : floor(u * 1000);
        break;
    case MILLIS:
        s->rate = (float)(scale * 0.2 * unit(s));
        s->value = floor(u * 1e8) / 1000;
        break;
    case SLOW:
        s->value = floor(u * 2e6) * scale;
        if (unit(s) < 0.15)
            s->value = 0;
        break;
    case COUNT:
        s->value = floor(scale * (0.5 + u));
        break;
    case CONST:
        s->value = scale;
        break;
    case CENTI:
        s->value = floor(scale * u * 100) / 100;
        break;
    case TENTH:
        s->value = floor(scale * (0.8 + 0.4 * u) * 10) / 10;
        break;
    case RATIO:
        s->value = scale * (0.5 + u);
        break;
    }
}

static void next_value(struct state *s)
{
    double dt = (double)mix.interval_ms / 1000, scale = templates[s->template].scale, u;
    uint64_t r;
    switch ((enum kind)s->kind) {
    case CPU:
        if (s->rate == 0)
            break;
        u = unit(s);
        /* hundredths, counted as the kernel does */
        s->value =
            round(s->value * 100 +
                  floor(s->rate * (s->rate > 0.5 ? 0.9 + 0.2 * u : 2 * u * u) * dt * 100 + 0.5)) /
            100;
        break;
    case BYTES:
    case PACKETS:
        if (s->rate == 0)
            break;
        r = draw(s);
        if ((r & 1023) < (s->burst ? 100 : 15))
            s->burst = !s->burst;
        if (s->rate < 30 && (r >> 10 & 3) == 0)
            break;
        u = (double)(r >> 32) * 0x1p-32;
        s->value += floor(s->rate * dt * (0.4 + 1.2 * u) * (s->burst ? 15 : 1));
        break;
    case ERRORS:
        r = draw(s);
        if ((r & 4095) < 3)
            s->value += 1 + (double)(r >> 12 & 7);
        break;
    case MILLIS:
        r = draw(s);
        if ((r & 1023) < (s->burst ? 100 : 15))
            s->burst = !s->burst;
        u = (double)(r >> 32) * 0x1p-32;
        s->value =
            round(s->value * 1000 + floor(s->rate * dt * 1000 * u * (s->burst ? 4 : 1))) / 1000;
        break;
    case SLOW:
        r = draw(s);
        if (s->value != 0 && (r & 1)) {
            double d = (double)((int64_t)(r >> 8 & 255) - 127) +
                       ((r >> 1 & 31) == 0 ? (double)((int64_t)(r >> 16 & 65535) - 32767) : 0);
            s->value += d * scale;
            if (s->value < 0)
                s->value = -s->value;
        }
        break;
    case COUNT:
        r = draw(s);
        if (r & 1) {
            s->value += (double)((int64_t)(r >> 8 & 7) - 3) * (scale > 100 ? 4 : 1);
            if (s->value < 0)
                s->value = 0;
        }
        break;
    case CONST:
        break;
    case CENTI:
        u = unit(s);
        if (scale < 1.5 && s->value == 0 && u < 0.9)
            break;
        s->value = round((s->value * 0.85 + scale * 0.3 * u * u) * 100) / 100;
        break;
    case TENTH:
        s->value =
            round(s->value * 10 + floor(unit(s) * 5) - 2 + (s->value < scale ? 0.3 : -0.3)) / 10;
        break;
    case RATIO:
        s->value = s->value * 0.7 + scale * 0.6 * unit(s);
        break;
    }
}

double mix_value(int host, int index, int64_t step)
{
    if (trace) {
        size_t row = ((size_t)host * 7919 + (size_t)step) % trace_rows;
        return trace[row * trace_cols + (size_t)index % trace_cols];
    }
    struct state *s = state_of(host, index);
    if (step)
        next_value(s);
    return s->value;
}

/* ---- a trace ---- */

void mix_trace(const char *file)
{
    char command[4200], *line = NULL;
    size_t cap = 0, size = 0;
    size_t len = strlen(file);
    FILE *f;
    bool gz = len > 3 && !strcmp(file + len - 3, ".gz");
    if (strchr(file, '\''))
        die("a quote in %s", file);
    snprintf(command, sizeof command, "gzip -dc '%s'", file);
    f = gz ? popen(command, "r") : fopen(file, "r");
    if (!f)
        die("%s: %s", file, strerror(errno));
    bool first = true, skip = false;
    while (getline(&line, &cap, f) > 0) {
        char *p = line, *end;
        if (first) {
            first = false;
            skip = !strncasecmp(line, "time", 4) || !strncasecmp(line, "ts,", 3);
            strtod(p, &end);
            if (end == p || skip)
                continue;
        }
        size_t col = 0;
        for (int at = 0; *p && *p != '\n' && *p != '\r'; at++) {
            double v = strtod(p, &end);
            if (end == p)
                v = 0;
            if (!(skip && at == 0)) {
                if (trace_rows * trace_cols + col >= size) {
                    size = size ? size * 2 : 65536;
                    trace = need(realloc(trace, size * sizeof *trace));
                }
                trace[trace_rows * trace_cols + col++] = v;
            }
            p = end + strcspn(end, ",\n");
            if (*p == ',')
                p++;
        }
        if (!col)
            continue;
        if (!trace_rows)
            trace_cols = col;
        if (col != trace_cols)
            die("%s: line %zu has %zu columns, not %zu", file, trace_rows + 1, col, trace_cols);
        trace_rows++;
    }
    free(line);
    gz ? pclose(f) : fclose(f);
    if (!trace_rows)
        die("%s: no values", file);
}

/* ---- labels ---- */

int mix_labels(int host, int index, const char *out[MAX_LABELS][2],
               char scratch[2][MIX_LABEL_BYTES])
{
    int n = 0;
    const struct template *t = &templates[state_of(host, index)->template];
    snprintf(scratch[0], MIX_LABEL_BYTES, "host-%05d:9100", host);
    snprintf(scratch[1], MIX_LABEL_BYTES, "%d", index / BASE);
    out[n][0] = "__name__", out[n++][1] = t->name;
    out[n][0] = "instance", out[n++][1] = scratch[0];
    out[n][0] = "job", out[n++][1] = "node";
    for (int i = 0; i < t->nlabels; i++)
        out[n][0] = t->labels[i][0], out[n++][1] = t->labels[i][1];
    if (index >= BASE)
        out[n][0] = "part", out[n++][1] = scratch[1];
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && strcmp(out[j - 1][0], out[j][0]) > 0; j--) {
            const char *k = out[j][0], *v = out[j][1];
            out[j][0] = out[j - 1][0], out[j][1] = out[j - 1][1];
            out[j - 1][0] = k, out[j - 1][1] = v;
        }
    return n;
}

void mix_begin(bool agent)
{
    templates = templates_make(agent);
    states = need(calloc((size_t)mix.hosts * (size_t)mix.series_per_host, sizeof *states));
    for (int h = 0; h < mix.hosts; h++)
        for (int i = 0; i < mix.series_per_host; i++)
            first_value(state_of(h, i), h, i);
}
