/* What a keep-alive POST costs the server: CPU of its thread per request, over loopback.
 *
 *   http_bench [REQUESTS [BODY_BYTES [CONNECTIONS]]]
 *   GALEN_BENCH_CERT=F GALEN_BENCH_KEY=F http_bench ...      with TLS */
#include "base/arena.h"
#include "base/clock.h"
#include "net/http.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct server {
    struct loop *loop;
    int64_t cpu_ns;
};

static int64_t thread_cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void *serve(void *arg)
{
    struct server *s = arg;
    int64_t before = thread_cpu_ns();
    loop_run(s->loop);
    s->cpu_ns = thread_cpu_ns() - before;
    return NULL;
}

static void on_request(struct http_request *req, void *arg UNUSED)
{
    http_reply(req, 204, NULL, SPAN(""));
}

struct load {
    struct loop *loop;
    struct span body;
    uint64_t left, under_way;
};

struct sender {
    struct load *load;
    struct http_client *client;
};

static void send_next(struct sender *s);

static void answered(const struct http_answer *a, void *arg)
{
    struct sender *s = arg;
    if (a->err || a->status != 204) {
        fprintf(stderr, "%s\n", a->err ? a->err->text : "not 204");
        exit(1);
    }
    s->load->under_way--;
    send_next(s);
}

static void send_next(struct sender *s)
{
    static const struct http_header headers[] = {
        {SPAN("Content-Type"), SPAN("application/x-protobuf")},
        {SPAN("Content-Encoding"), SPAN("snappy")},
        {SPAN("X-Prometheus-Remote-Write-Version"), SPAN("0.1.0")},
        {SPAN("Authorization"), SPAN("Bearer gla_0123456789abcdef0123456789abcdef0123456789a")},
    };
    struct err err;
    if (!s->load->left) {
        if (!s->load->under_way)
            loop_stop(s->load->loop);
        return;
    }
    s->load->left--;
    s->load->under_way++;
    if (http_client_send(s->client, "POST", "/api/v1/write", headers, COUNT(headers), s->load->body,
                         answered, s, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
}

static void must(enum status st, const struct err *err)
{
    if (!st)
        return;
    fprintf(stderr, "%s\n", err->text);
    exit(1);
}

int main(int argc, char **argv)
{
    uint64_t requests = 100000, body_bytes = 20000, connections = 1;
    uint64_t *const settings[] = {&requests, &body_bytes, &connections};
    for (int i = 1; i < argc && i <= (int)COUNT(settings); i++)
        if (!span_u64(span_of(argv[i]), settings[i - 1]))
            return 2;
    const char *cert = getenv("GALEN_BENCH_CERT"), *key = getenv("GALEN_BENCH_KEY");
    struct err err = {0};
    struct server server = {0};
    struct http_server *http = NULL;
    must(loop_open(&server.loop, &err), &err);
    struct http_server_config config = {
        .listen = "127.0.0.1:0", .tls_cert = cert, .tls_key = key, .on_request = on_request};
    must(http_server_open(server.loop, &config, &http, &err), &err);
    char url[64];
    snprintf(url, sizeof url, "http%s://127.0.0.1:%u", cert ? "s" : "", http_server_port(http));

    auto_buf body = {0};
    buf_fill(&body, 'x', body_bytes);
    struct load load = {.body = buf_view(&body), .left = requests};
    must(loop_open(&load.loop, &err), &err);
    struct sender *senders = mem_zero(connections, sizeof *senders);
    pthread_t thread;
    pthread_create(&thread, NULL, serve, &server);
    int64_t before_ns = clock_mono_ns();
    struct http_client_config client = {.url = url, .ca_file = cert};
    for (uint64_t i = 0; i < connections; i++) {
        senders[i].load = &load;
        must(http_client_open(load.loop, &client, &senders[i].client, &err), &err);
        send_next(&senders[i]);
    }
    loop_run(load.loop);
    int64_t elapsed_ns = clock_mono_ns() - before_ns;
    loop_stop(server.loop);
    pthread_join(thread, NULL);
    printf("%" PRIu64 " requests of %" PRIu64 " bytes on %" PRIu64 " connections: "
           "server %.1f us CPU each, %.1f us elapsed\n",
           requests, body_bytes, connections, (double)server.cpu_ns / 1e3 / (double)requests,
           (double)elapsed_ns / 1e3 / (double)requests);
    for (uint64_t i = 0; i < connections; i++)
        http_client_close(senders[i].client);
    free(senders);
    http_server_close(http, 0);
    loop_close(load.loop);
    loop_close(server.loop);
    return 0;
}
