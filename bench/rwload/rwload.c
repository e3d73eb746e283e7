/*
 * rwload: a deterministic load generator for the Prometheus remote-write
 * protocol 1.0 (protobuf WriteRequest, Snappy block format, HTTP/1.1).
 *
 *   ./build.sh PROGRAM      builds it
 *
 *   rwload --url http://127.0.0.1:9090/api/v1/write --hosts 100 --duration 3600
 *   rwload --hosts 2 --duration 100 --dump     # the values, one line a series
 *
 * The same options give the same series, times and values on every machine, so
 * what a server answers can be compared with --dump.
 *
 *   mix.h       the series and their values, --trace
 *   payload.h   as messages
 *   post.h      over HTTP
 */
#include "mix.h"
#include "payload.h"
#include "post.h"
#include "util.h"

#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct connection {
    pthread_t thread;
    int number;
    struct poster post;
    uint64_t sent, acked, errors, requests, bytes;
    double *latency;
    size_t nlatency, caplatency;
    int64_t progress;
};

static int connections = 1, batch = 1, hosts_per_request = 1;
static int64_t start_ms = -1, steps;
static double duration = 600, rate;
static bool dump, agent;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;
static struct connection *all;
static double begun;

static void wait_for_others(struct connection *c, int64_t step)
{
    /* none runs more than five minutes of simulated time ahead of the slowest */
    int64_t ahead = 300000 / mix.interval_ms > batch ? 300000 / mix.interval_ms : batch;
    pthread_mutex_lock(&lock);
    c->progress = step;
    pthread_cond_broadcast(&moved);
    for (;;) {
        int64_t slowest = INT64_MAX;
        for (int i = 0; i < connections; i++)
            if (all[i].progress < slowest)
                slowest = all[i].progress;
        if (step - slowest <= ahead || slowest == INT64_MAX)
            break;
        pthread_cond_wait(&moved, &lock);
    }
    pthread_mutex_unlock(&lock);
}

/* One request; its answer is awaited. */
static void send_message(struct connection *c, const struct buffer *raw, uint64_t samples,
                         struct buffer *packed)
{
    size_t len = snappy_max_compressed_length(raw->len);
    packed->len = 0;
    buffer_reserve(packed, len);
    if (snappy_compress(raw->data, raw->len, packed->data, &len) != SNAPPY_OK)
        die("snappy");
    double t = seconds_now();
    bool ok = post_message(&c->post, packed->data, len);
    t = seconds_now() - t;
    c->sent += samples;
    c->requests++;
    c->bytes += len;
    if (ok)
        c->acked += samples;
    else
        c->errors++;
    if (c->nlatency == c->caplatency) {
        c->caplatency = c->caplatency ? c->caplatency * 2 : 4096;
        c->latency = need(realloc(c->latency, c->caplatency * sizeof *c->latency));
    }
    c->latency[c->nlatency++] = t;
}

static void wait_until_due(int64_t step)
{
    double due = begun + (double)(step * mix.interval_ms) / 1000 / rate - seconds_now();
    if (due > 0)
        usleep((useconds_t)(due * 1e6));
}

static void *run(void *arg)
{
    struct connection *c = arg;
    int mine = 0;
    for (int h = c->number; h < mix.hosts; h += connections)
        mine++;
    /* the label part of every series of this connection, encoded once */
    size_t total = (size_t)mine * (size_t)mix.series_per_host;
    struct buffer labels = {0}, raw = {0}, packed = {0};
    size_t *at = need(malloc((total + 1) * sizeof *at)), k = 0;
    for (int h = c->number; h < mix.hosts; h += connections)
        for (int i = 0; i < mix.series_per_host; i++) {
            at[k++] = labels.len;
            payload_labels(&labels, h, i);
        }
    at[k] = labels.len;
    c->post.fd = -1;
    for (int64_t step = 0; step < steps; step += batch) {
        int64_t count = steps - step < batch ? steps - step : batch;
        wait_for_others(c, step);
        if (rate > 0)
            wait_until_due(step + count);
        k = 0;
        for (int h = c->number, n = 0; h < mix.hosts; h += connections) {
            for (int i = 0; i < mix.series_per_host; i++, k++)
                payload_series(&raw, h, i, labels.data + at[k], at[k + 1] - at[k], start_ms, step,
                               count);
            if (++n % hosts_per_request && h + connections < mix.hosts)
                continue;
            int in_request = n % hosts_per_request ? n % hosts_per_request : hosts_per_request;
            send_message(c, &raw,
                         (uint64_t)in_request * (uint64_t)mix.series_per_host * (uint64_t)count,
                         &packed);
            raw.len = 0;
        }
    }
    wait_for_others(c, INT64_MAX);
    post_end(&c->post);
    free(labels.data);
    free(raw.data);
    free(packed.data);
    free(at);
    return NULL;
}

static void dump_all(void)
{
    for (int h = 0; h < mix.hosts; h++)
        for (int i = 0; i < mix.series_per_host; i++) {
            const char *list[MAX_LABELS][2];
            char scratch[2][MIX_LABEL_BYTES];
            int n = mix_labels(h, i, list, scratch);
            printf("%s{", list[0][1]);
            for (int j = 1; j < n; j++)
                printf("%s%s=\"%s\"", j > 1 ? "," : "", list[j][0], list[j][1]);
            printf("}");
            for (int64_t t = 0; t < steps; t++)
                printf("\t%" PRId64 ":%.17g", start_ms + t * mix.interval_ms, mix_value(h, i, t));
            putchar('\n');
        }
}

static void usage(void)
{
    fputs("rwload --url http://HOST:PORT/PATH [options]\n"
          "  --hosts N             hosts (10)\n"
          "  --series-per-host M   series of each (250)\n"
          "  --interval SEC        between samples of a series (10)\n"
          "  --duration SEC        simulated time (600)\n"
          "  --start TS            time of the first sample, Unix seconds (now - duration)\n"
          "  --batch-samples K     samples of a series in one request (1)\n"
          "  --hosts-per-request N hosts in one request (1)\n"
          "  --connections N       each with its own hosts (1)\n"
          "  --rate F              times real time; 0: as fast as acknowledged (0)\n"
          "  --seed N              (1)\n"
          "  --agent               some series as galen-agent names them\n"
          "  --trace FILE          values from a CSV or CSV.gz file\n"
          "  --retries N           after a 5xx, 429 or a broken connection (3)\n"
          "  -H 'Name: value'      a further header line, up to 16 times\n"
          "  --dump                print the series and values; send nothing\n"
          "Exit status: 0 all acknowledged, 1 not all, 2 bad use.\n",
          stderr);
    exit(2);
}

/* All connections to their end; the exit status. */
static int send_all_steps(void)
{
    all = need(calloc((size_t)connections, sizeof *all));
    begun = seconds_now();
    for (int i = 0; i < connections; i++) {
        all[i].number = i;
        if (pthread_create(&all[i].thread, NULL, run, &all[i]))
            die("no thread");
    }
    struct connection sum = {0};
    for (int i = 0; i < connections; i++) {
        struct connection *c = &all[i];
        pthread_join(c->thread, NULL);
        sum.sent += c->sent;
        sum.acked += c->acked;
        sum.errors += c->errors;
        sum.requests += c->requests;
        sum.bytes += c->bytes;
        sum.latency =
            need(realloc(sum.latency, (sum.nlatency + c->nlatency + 1) * sizeof *sum.latency));
        if (c->nlatency)
            memcpy(sum.latency + sum.nlatency, c->latency, c->nlatency * sizeof *sum.latency);
        sum.nlatency += c->nlatency;
        if (c->post.last_error[0])
            fprintf(stderr, "rwload: connection %d: %s\n", i, c->post.last_error);
    }
    double seconds = seconds_now() - begun;
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    qsort(sum.latency, sum.nlatency, sizeof *sum.latency, by_value);
    printf("sent=%" PRIu64 " acked=%" PRIu64 " seconds=%.3f samples_per_s=%.0f errors=%" PRIu64
           " requests=%" PRIu64 " wire_bytes=%" PRIu64
           " p50_ms=%.2f p99_ms=%.2f max_ms=%.1f own_cpu_s=%.2f start=%.3f end=%.3f\n",
           sum.sent, sum.acked, seconds, (double)sum.acked / seconds, sum.errors, sum.requests,
           sum.bytes, sum.latency[sum.nlatency / 2] * 1e3,
           sum.latency[sum.nlatency * 99 / 100] * 1e3, sum.latency[sum.nlatency - 1] * 1e3,
           (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
               (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6,
           (double)start_ms / 1000, (double)(start_ms + (steps - 1) * mix.interval_ms) / 1000);
    return sum.acked == sum.sent ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"url", 1, 0, 'u'},
                                            {"hosts", 1, 0, 'n'},
                                            {"series-per-host", 1, 0, 'm'},
                                            {"interval", 1, 0, 'i'},
                                            {"duration", 1, 0, 'd'},
                                            {"start", 1, 0, 's'},
                                            {"batch-samples", 1, 0, 'b'},
                                            {"rate", 1, 0, 'r'},
                                            {"connections", 1, 0, 'c'},
                                            {"seed", 1, 0, 'S'},
                                            {"trace", 1, 0, 't'},
                                            {"hosts-per-request", 1, 0, 'R'},
                                            {"retries", 1, 0, 'T'},
                                            {"dump", 0, 0, 'D'},
                                            {"agent", 0, 0, 'A'},
                                            {"help", 0, 0, 'h'},
                                            {0}};
    double interval = 10, start = -1;
    bool have_url = false;
    for (int o; (o = getopt_long(argc, argv, "H:h", options, NULL)) != -1;)
        switch (o) {
        case 'u':
            post_to(need(strdup(optarg)));
            have_url = true;
            break;
        case 'n':
            mix.hosts = atoi(optarg);
            break;
        case 'm':
            mix.series_per_host = atoi(optarg);
            break;
        case 'i':
            interval = atof(optarg);
            break;
        case 'd':
            duration = atof(optarg);
            break;
        case 's':
            start = atof(optarg);
            break;
        case 'b':
            batch = atoi(optarg);
            break;
        case 'r':
            rate = atof(optarg);
            break;
        case 'c':
            connections = atoi(optarg);
            break;
        case 'S':
            mix.seed = strtoull(optarg, NULL, 10);
            break;
        case 't':
            mix_trace(optarg);
            break;
        case 'R':
            hosts_per_request = atoi(optarg);
            break;
        case 'T':
            target.retries = atoi(optarg);
            break;
        case 'D':
            dump = true;
            break;
        case 'A':
            agent = true;
            break;
        case 'H':
            if (target.headers_n == MAX_HEADERS)
                die("too many headers");
            target.headers[target.headers_n++] = optarg;
            break;
        default:
            usage();
        }
    mix.interval_ms = llround(interval * 1000);
    if (optind != argc || mix.hosts < 1 || mix.series_per_host < 1 || batch < 1 ||
        connections < 1 || hosts_per_request < 1 || mix.interval_ms < 1 || duration <= 0 ||
        rate < 0 || (!dump && !have_url))
        usage();
    if (connections > mix.hosts)
        connections = mix.hosts;
    steps = (int64_t)(duration * 1000) / mix.interval_ms;
    if (steps < 1)
        steps = 1;
    start_ms =
        start >= 0 ? llround(start * 1000) : (int64_t)time(NULL) * 1000 - steps * mix.interval_ms;
    mix_begin(agent);
    if (dump) {
        dump_all();
        return 0;
    }
    return send_all_steps();
}
