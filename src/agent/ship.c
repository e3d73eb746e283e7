/* See ship.h. A batch under way is either live (it never was in the spool) or the oldest of the
 * spool; live only while the spool is empty, so that samples arrive in their order. */
#include "agent/ship.h"

#include "agent/answer.h"
#include "agent/basis.h"
#include "agent/dress.h"
#include "agent/enroll.h"
#include "agent/merge.h"
#include "agent/spool.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/json.h"
#include "net/http.h"
#include "series/remote_write.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    MERGE_MAX_BATCHES = 32,
    MERGE_MAX_BYTES = 4 << 20, /* unpacked; a server takes twice that at least */
    BACKOFF_FIRST_MS = 1000,
    BACKOFF_MAX_MS = 15000, /* a refused connection costs little; a busy server says Retry-After */
    NEEDS_A_PERSON_MS = 60000, /* a missing file, a bad token */
    SYNC_EVERY_MS = 5000,
    TELL_AGAIN_MS = 60000,
    SEND_EARLY_MS = 250,
    BASES_KEPT_MS = 600000,       /* with a send interval the spool is empty now and then */
    REPLAY_BYTES_PER_S = 1 << 20, /* packed: a server that comes back has other agents too */
};

#define WRITE_PATH "/api/v1/write"

enum flight { NOTHING, ENROLMENT, LIVE, SPOOLED };

struct ship {
    struct ship_config config;
    struct loop *loop;
    struct http_client *client;
    struct spool *spool;
    struct basis *basis; /* of the spool's records */
    int64_t based_ms;    /* mono: when it was used last */
    struct merge *merge;
    struct timer *timer; /* runs while waiting to try again */
    char *path;          /* of the URL */
    char *token_file, *token;
    bool must_enroll, waiting;
    int64_t send_every_ms, send_next_ms; /* mono */
    struct dress *dress;

    enum flight flight;
    struct collection live;           /* the one under way, where its owner has it */
    uint64_t flight_end;              /* SPOOLED: spool_gone once all of it has left */
    size_t flight_batches;            /* SPOOLED */
    size_t flight_bytes;              /* of its body */
    size_t merge_max;                 /* batches; less after "too large" */
    struct buf plain, packed, record; /* scratch */

    unsigned failures;                   /* in a row */
    int64_t synced_ms, told_ms, sent_ms; /* sent: wall */
    char *failure;                       /* the last one; NULL: none since the last success */
    bool failing, skewed;
    uint64_t sent, sent_bytes, refused, failed, recoveries;
};

static void send_next(struct ship *s);

/* ---- token ---- */

/* Without a token requests go out without one: some receivers want none. */
static void load_token(struct ship *s)
{
    struct err err = {0};
    char *token = NULL;
    bool given = s->config.agent->token_file != NULL;
    if (!given && access(s->token_file, F_OK) != 0)
        return;
    if (file_read_secret(s->token_file, &token, &err)) {
        log_warn("the token: %s", err.text);
        return;
    }
    free(s->token);
    s->token = token;
}

static enum status find_token(struct ship *s, struct err *err)
{
    const struct agent_config *c = s->config.agent;
    auto_buf path = {0};
    buf_printf(&path, "%s/token", c->state);
    s->token_file = mem_dup(c->token_file ? c->token_file : buf_text(&path));
    load_token(s);
    if (!s->token && c->token_file)
        return err_set(err, NOT_FOUND, "the token file %s cannot be read", c->token_file);
    s->must_enroll = !s->token && c->join_token_file;
    if (s->must_enroll && !s->config.machine_id)
        return err_set(err, NOT_FOUND,
                       "enrolment needs a machine-id (etc/machine-id), and there is none");
    return OK;
}

/* ---- waiting and telling ---- */

static void finish(struct ship *s, enum status st, const char *why)
{
    if (s->config.result)
        s->config.result(st, why, s->config.arg);
}

static void on_timer(void *arg)
{
    struct ship *s = arg;
    s->waiting = false;
    send_next(s);
}

/* Half of the time is fixed, half chance: servers that lost all their agents at once shall not
 * get them back at once. */
static int64_t backoff_ms(unsigned failures)
{
    int64_t whole = BACKOFF_MAX_MS;
    if (failures < 16)
        whole = MIN((int64_t)BACKOFF_FIRST_MS << failures, (int64_t)BACKOFF_MAX_MS);
    return whole / 2 + (int64_t)(random_u64() % (uint64_t)(whole / 2 + 1));
}

/* The first failure is told, then one a minute. */
static void tell(struct ship *s, const char *why)
{
    int64_t now = clock_mono_ms();
    if (s->failing && now - s->told_ms < TELL_AGAIN_MS) {
        log_debug("%s", why);
        return;
    }
    s->failing = true;
    s->told_ms = now;
    log_warn("cannot send, %zu batches wait: %s", spool_count(s->spool), why);
}

static void wait_and_retry(struct ship *s, int64_t at_least_ms, const char *why)
{
    int64_t wait = MAX(backoff_ms(s->failures), at_least_ms);
    s->failures++;
    s->failed++;
    s->waiting = true;
    timer_once(s->timer, wait);
    free(s->failure);
    s->failure = mem_dup(why);
    tell(s, why);
    finish(s, UNREACHABLE, why);
}

/* ---- spool ---- */

static void put_in_spool(struct ship *s, struct span message)
{
    struct err err = {0};
    buf_clear(&s->packed);
    enum status st;
    if (spool_count(s->spool)) {
        s->based_ms = clock_mono_ms();
        st = basis_pack(s->basis, message, &s->packed, &err);
    } else { /* mostly the only one: an answer that takes long */
        st = pack(COMPRESSION_ZSTD, message, &s->packed, &err);
    }
    if (!st)
        st = spool_put(s->spool, buf_view(&s->packed), &err);
    if (st)
        tell(s, err.text);
}

static void spool_collection(struct ship *s, const struct collection *c)
{
    struct err err = {0};
    auto_buf message = {0};
    if (collection_write(c, &message, &err))
        log_error("%s and was not kept", err.text);
    else
        put_in_spool(s, buf_view(&message));
}

static void keep_live(struct ship *s)
{
    if (!s->live.n)
        return;
    spool_collection(s, &s->live);
    s->live = (struct collection){0};
    /* Still under way, but now the oldest of the spool, unless it was too large for that. */
    if (s->flight == LIVE && spool_count(s->spool)) {
        s->flight = SPOOLED;
        s->flight_batches = 1;
        s->flight_end = spool_gone(s->spool) + 1;
    }
}

/* Bases that nothing which waits is packed against. */
static void forget_bases(struct ship *s)
{
    struct spool_cursor at = {0};
    buf_clear(&s->record);
    bool waits = spool_next(s->spool, &at, &s->record);
    if (waits || clock_mono_ms() - s->based_ms >= BASES_KEPT_MS)
        basis_forget(s->basis, buf_view(&s->record));
}

static void sync_when_due(struct ship *s)
{
    int64_t now_ms = clock_mono_ms();
    if (now_ms - s->synced_ms < SYNC_EVERY_MS)
        return;
    s->synced_ms = now_ms;
    spool_sync(s->spool);
    forget_bases(s);
}

/* The oldest batches as one message in s->plain; returns how many. */
static size_t gather(struct ship *s)
{
    struct spool_cursor at = {0};
    size_t n = 0;
    struct err err = {0};
    while (n < s->merge_max && merge_bytes(s->merge) < MERGE_MAX_BYTES &&
           spool_next(s->spool, &at, &s->record)) {
        n++;
        buf_clear(&s->plain);
        enum status st =
            basis_unpack(s->basis, buf_view(&s->record), WRITE_MESSAGE_MAX_BYTES, &s->plain, &err);
        if (!st)
            st = merge_add(s->merge, buf_view(&s->plain), &err);
        if (st)
            log_warn("a batch of the spool is left out: %s", err.text);
    }
    buf_clear(&s->plain);
    merge_take(s->merge, &s->plain);
    return n;
}

static void drop_delivered(struct ship *s)
{
    uint64_t gone = spool_gone(s->spool);
    if (s->flight_end > gone)
        spool_drop(s->spool, (size_t)(s->flight_end - gone));
}

/* ---- sending ---- */

static void on_answer(const struct http_answer *answer, void *arg);

static void post(struct ship *s, const char *path, const struct http_header *given, size_t n_given,
                 const char *token, struct span body)
{
    struct err err = {0};
    auto_buf bearer = {0};
    struct http_header headers[4];
    size_t n = n_given;
    memcpy(headers, given, n_given * sizeof *given);
    if (token) {
        buf_printf(&bearer, "Bearer %s", token);
        headers[n++] = (struct http_header){SPAN("Authorization"), buf_view(&bearer)};
    }
    if (http_client_send(s->client, "POST", path, headers, n, body, on_answer, s, &err)) {
        s->flight = NOTHING;
        keep_live(s);
        wait_and_retry(s, 0, err.text);
    }
}

/* As dressed; st: whether that could be. */
static void send_dressed(struct ship *s, enum flight flight, enum status st,
                         const struct dressed *d, const struct err *err)
{
    s->flight = flight;
    if (st) {
        log_error("compress a batch: %s", err->text);
        s->flight = NOTHING;
        return;
    }
    struct http_header headers[3] = {{SPAN("Content-Type"), span_of(d->type)}};
    size_t n = 1;
    if (d->encoding)
        headers[n++] = (struct http_header){SPAN("Content-Encoding"), span_of(d->encoding)};
    if (d->remote_write)
        headers[n++] =
            (struct http_header){SPAN("X-Prometheus-Remote-Write-Version"), SPAN("0.1.0")};
    s->flight_bytes = d->body.len;
    post(s, s->path, headers, n, s->token, d->body);
}

static void send_live(struct ship *s)
{
    struct err err = {0};
    struct dressed d;
    enum status st = dress_collection(s->dress, &s->live, &d, &err);
    send_dressed(s, LIVE, st, &d, &err);
}

static void send_plain(struct ship *s)
{
    struct err err = {0};
    struct dressed d;
    enum status st = dress_message(s->dress, buf_view(&s->plain), &d, &err);
    send_dressed(s, SPOOLED, st, &d, &err);
}

static void send_enrolment(struct ship *s)
{
    struct err err = {0};
    auto_free char *join = NULL;
    if (file_read_secret(s->config.agent->join_token_file, &join, &err)) {
        wait_and_retry(s, NEEDS_A_PERSON_MS, err.text);
        return;
    }
    auto_buf body = {0};
    enroll_request(&body, s->config.machine_id, s->config.hostname);
    s->flight = ENROLMENT;
    struct http_header type = {SPAN("Content-Type"), SPAN("application/json")};
    post(s, ENROLL_PATH, &type, 1, join, buf_view(&body));
}

static void send_spooled(struct ship *s)
{
    while (spool_count(s->spool)) {
        size_t n = gather(s);
        if (s->plain.len) {
            s->flight_batches = n;
            s->flight_end = spool_gone(s->spool) + n;
            send_plain(s);
            return;
        }
        spool_drop(s->spool, n); /* nothing in it could be read */
    }
    finish(s, OK, "");
}

static void send_next(struct ship *s)
{
    if (s->flight != NOTHING || s->waiting)
        return;
    if (s->must_enroll)
        send_enrolment(s);
    else if (s->live.n)
        send_live(s);
    else
        send_spooled(s);
}

/* ---- answers ---- */

/* A replay takes megabytes; what comes then is one collection at a time. */
static void slim(struct ship *s)
{
    buf_free(&s->plain);
    buf_free(&s->packed);
    buf_free(&s->record);
    dress_slim(s->dress);
}

static void on_success(struct ship *s)
{
    bool replaying = s->flight == SPOOLED;
    if (replaying)
        drop_delivered(s);
    s->live = (struct collection){0};
    s->flight = NOTHING;
    s->sent++;
    s->sent_bytes += s->flight_bytes;
    s->sent_ms = clock_wall_ms();
    s->failures = 0;
    s->merge_max = MERGE_MAX_BATCHES;
    if (s->failing) {
        log_info("sending again, %zu batches wait", spool_count(s->spool));
        s->recoveries++;
    }
    s->failing = false;
    free(s->failure);
    s->failure = NULL;
    int64_t pause_ms = (int64_t)s->flight_bytes * 1000 / REPLAY_BYTES_PER_S;
    if (replaying && spool_count(s->spool) && pause_ms) {
        s->waiting = true;
        timer_once(s->timer, pause_ms);
        return;
    }
    if (replaying && !spool_count(s->spool))
        slim(s);
    send_next(s);
}

static void drop_refused(struct ship *s, const char *why)
{
    s->refused++;
    log_error("the server refuses a batch for good, it is dropped: %s", why);
    if (s->flight == SPOOLED)
        drop_delivered(s);
    s->live = (struct collection){0};
    s->flight = NOTHING;
    finish(s, INVALID, why);
    send_next(s);
}

static void try_again(struct ship *s, int64_t at_least_ms, const char *why)
{
    s->flight = NOTHING;
    keep_live(s);
    wait_and_retry(s, at_least_ms, why);
}

static void resend(struct ship *s)
{
    s->flight = NOTHING;
    send_next(s);
}

static void on_enrolled(struct ship *s, const struct http_answer *answer)
{
    struct err err = {0};
    s->flight = NOTHING;
    if (enroll_accept(answer->body, s->token_file, &err)) {
        wait_and_retry(s, NEEDS_A_PERSON_MS, err.text);
        return;
    }
    load_token(s);
    s->must_enroll = false;
    s->failures = 0;
    log_info("enrolled; this agent's token is in %s", s->token_file);
    send_next(s);
}

static void check_clock(struct ship *s, const struct http_answer *answer)
{
    int64_t skew_s;
    if (!answer_skew_s(answer, clock_wall_ms(), &skew_s))
        return;
    bool skewed = llabs(skew_s) > SKEW_MAX_S;
    if (skewed && !s->skewed)
        log_warn("this machine's clock is %lld s %s the server's: samples may be refused",
                 llabs(skew_s), skew_s > 0 ? "behind" : "ahead of");
    s->skewed = skewed;
}

static bool split_up(struct ship *s, int status)
{
    if (status != 413 || s->flight != SPOOLED || s->flight_batches < 2)
        return false;
    s->merge_max = s->flight_batches / 2;
    return true;
}

static void on_answer(const struct http_answer *answer, void *arg)
{
    struct ship *s = arg;
    auto_buf why = {0};
    enum verdict verdict = answer_judge(
        answer, s->config.agent->server,
        s->flight == ENROLMENT ? s->config.agent->join_token_file : s->token_file, &why);
    if (answer->status)
        check_clock(s, answer);
    bool again = s->flight != ENROLMENT && dress_answered(s->dress, answer) == DRESS_AGAIN;
    if (verdict == TAKEN && s->flight == ENROLMENT)
        on_enrolled(s, answer);
    else if (verdict == TAKEN)
        on_success(s);
    else if (again || split_up(s, answer->status))
        resend(s);
    else if (verdict == REFUSED && s->flight != ENROLMENT)
        drop_refused(s, buf_text(&why));
    else if (verdict == LATER)
        try_again(s, answer_retry_after_ms(answer), buf_text(&why));
    else {
        /* Somebody has to put something right: a file, an address. */
        try_again(s, NEEDS_A_PERSON_MS / 2, buf_text(&why));
        if (verdict == UNWELCOME)
            load_token(s);
    }
}

/* ---- open, take, close ---- */

static enum status open_client(struct ship *s, struct err *err)
{
    const struct agent_config *c = s->config.agent;
    struct url url;
    enum status st = url_parse(span_of(c->server), &url, err);
    if (st)
        return err_prefix(err, "--server");
    bool own = url.path.len == 0 || span_is(url.path, "/");
    s->path = own ? mem_dup(WRITE_PATH) : mem_dup_span(url.path);
    s->must_enroll = s->must_enroll && own;
    auto_free char *base = mem_dup_span((struct span){c->server, strlen(c->server) - url.path.len});
    return http_client_open(
        s->loop,
        &(struct http_client_config){.url = base,
                                     .ca_file = c->ca,
                                     .proxy = c->proxy,
                                     .user_agent = "galen-agent/" GALEN_VERSION},
        &s->client, err);
}

static void open_spool(struct ship *s)
{
    struct err err = {0};
    auto_buf dir = {0};
    buf_printf(&dir, "%s/spool", s->config.agent->state);
    s->basis = basis_open(buf_text(&dir));
    if (spool_open(buf_text(&dir), s->config.agent->spool_max_bytes, &s->spool, &err))
        log_warn("%s; unsent data is kept in memory only", err.text);
    else if (spool_count(s->spool))
        log_info("%zu batches wait in %s", spool_count(s->spool), buf_text(&dir));
    if (spool_lost(s->spool))
        log_warn("%llu damaged records were cut from the spool",
                 (unsigned long long)spool_lost(s->spool));
}

enum status ship_open(struct loop *loop, const struct ship_config *config, struct ship **out,
                      struct err *err)
{
    struct ship *s = mem_zero(1, sizeof *s);
    s->config = *config;
    s->loop = loop;
    s->dress = dress_open();
    s->merge_max = MERGE_MAX_BATCHES;
    s->merge = merge_open();
    s->timer = timer_open(loop, on_timer, s);
    enum status st = find_token(s, err);
    if (!st)
        st = open_client(s, err);
    if (!st)
        open_spool(s);
    *out = st ? NULL : s;
    if (st)
        ship_close(s);
    return st;
}

void ship_send_every(struct ship *s, int64_t ms)
{
    if (ms != s->send_every_ms)
        s->send_next_ms = 0;
    s->send_every_ms = ms;
}

uint64_t ship_recoveries(const struct ship *s)
{
    return s ? s->recoveries : 0;
}

const char *ship_token(const struct ship *s)
{
    return s->must_enroll ? NULL : s->token ? s->token : "";
}

enum status ship_new_token(struct ship *s, const char *token, struct err *err)
{
    enum status st = enroll_keep(token, s->token_file, err);
    if (!st)
        load_token(s);
    return st;
}

/* A time that is due within half an interval is due now: the grid is the collections'. */
static bool is_time(struct ship *s)
{
    int64_t now_ms = clock_mono_ms();
    if (s->send_every_ms && now_ms + SEND_EARLY_MS < s->send_next_ms)
        return false;
    s->send_next_ms = now_ms + s->send_every_ms;
    return true;
}

void ship_let_go(struct ship *s)
{
    if (s)
        keep_live(s);
}

void ship_take(struct ship *s, const struct collection *c)
{
    keep_live(s);
    bool due = is_time(s);
    bool at_once =
        due && s->flight == NOTHING && !s->waiting && !s->must_enroll && spool_count(s->spool) == 0;
    if (at_once)
        s->live = *c;
    else if (c->n)
        spool_collection(s, c);
    sync_when_due(s);
    if (due)
        send_next(s);
}

/* The time of the oldest sample that waits; 0: none. */
static int64_t oldest_ms(struct ship *s)
{
    struct spool_cursor at = {0};
    struct write_entry e;
    struct sample sample;
    const char *fault = NULL;
    auto_buf plain = {0};
    if (!spool_next(s->spool, &at, &s->record) ||
        basis_unpack(s->basis, buf_view(&s->record), WRITE_MESSAGE_MAX_BYTES, &plain, NULL))
        return 0;
    struct write_reader r = write_reader_of(buf_view(&plain));
    bool found = write_next(&r, &e) && write_sample_next(&e.samples_raw, &sample, &fault);
    return found ? sample.t_ms : 0;
}

void ship_status_json(struct ship *s, struct json *j)
{
    json_begin_object(j);
    json_field_i64(j, "last_send_ms", s->sent_ms);
    json_field(j, "failure", s->failure);
    json_field_i64(j, "taken", (int64_t)s->sent);
    json_field_i64(j, "failed", (int64_t)s->failed);
    json_field_i64(j, "refused", (int64_t)s->refused);
    json_field_i64(j, "sent_bytes", (int64_t)s->sent_bytes);
    json_key(j, "spool");
    json_begin_object(j);
    json_field_i64(j, "batches", (int64_t)spool_count(s->spool));
    json_field_i64(j, "bytes", (int64_t)spool_bytes(s->spool));
    json_field_i64(j, "max_bytes", (int64_t)s->config.agent->spool_max_bytes);
    json_field_i64(j, "oldest_ms", oldest_ms(s));
    json_field_i64(j, "lost_batches", (int64_t)spool_lost(s->spool));
    json_end_object(j);
    json_end_object(j);
}

void ship_close(struct ship *s)
{
    if (!s)
        return;
    http_client_close(s->client);
    s->flight = NOTHING;
    if (s->spool)
        keep_live(s);
    spool_close(s->spool);
    basis_close(s->basis);
    merge_close(s->merge);
    dress_close(s->dress);
    timer_close(s->timer);
    free(s->path);
    free(s->token_file);
    free(s->token);
    free(s->failure);
    buf_free(&s->plain);
    buf_free(&s->packed);
    buf_free(&s->record);
    free(s);
}

/* ---- its own figures ---- */

enum { SPOOL_BYTES, SPOOL_BATCHES, LOST, REQUESTS, SENT_BYTES };

static const struct metric ship_metrics[] = {
    [SPOOL_BYTES] = {"galen_agent_spool_bytes",
                     METRIC_GAUGE,
                     "Data that waits for the server.",
                     {0}},
    [SPOOL_BATCHES] = {"galen_agent_spool_batches",
                       METRIC_GAUGE,
                       "Collections that wait for the server.",
                       {0}},
    [LOST] = {"galen_agent_spool_lost_total",
              METRIC_COUNTER,
              "Collections dropped because the spool was full or damaged.",
              {0}},
    [REQUESTS] = {"galen_agent_requests_total",
                  METRIC_COUNTER,
                  "Requests to the server by what became of them.",
                  {"result"}},
    [SENT_BYTES] = {"galen_agent_sent_bytes_total",
                    METRIC_COUNTER,
                    "Bytes of bodies that the server has taken.",
                    {0}},
};

static enum status ship_collect(struct tick *t, void *state, struct err *err UNUSED)
{
    const struct ship *s = state;
    emit(t, &ship_metrics[SPOOL_BYTES], (double)spool_bytes(s->spool));
    emit(t, &ship_metrics[SPOOL_BATCHES], (double)spool_count(s->spool));
    emit(t, &ship_metrics[LOST], (double)spool_lost(s->spool));
    emit1(t, &ship_metrics[REQUESTS], SPAN("taken"), (double)s->sent);
    emit1(t, &ship_metrics[REQUESTS], SPAN("refused"), (double)s->refused);
    emit1(t, &ship_metrics[REQUESTS], SPAN("failed"), (double)s->failed);
    emit(t, &ship_metrics[SENT_BYTES], (double)s->sent_bytes);
    return OK;
}

const struct collector ship_collector = {.name = "ship",
                                         .every_s = 15,
                                         .collect = ship_collect,
                                         .metrics = ship_metrics,
                                         .n_metrics = COUNT(ship_metrics)};
