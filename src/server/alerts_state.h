/* Inside the server's alerts. */
#pragma once

#include "server/alerts.h"

#include "alert/mail.h"
#include "alert/route.h"
#include "base/map.h"
#include "notify/notify.h"
#include "record/alerts.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

/* One of the threads, which sleeps until there is something to do. */
struct alerts_thread {
    pthread_t thread;
    pthread_cond_t wake;
    bool running, poked;
};

struct channel {
    int64_t id;
    struct span name, kind, config;
    bool enabled;
};

/* What the sender knows of alerts and channels: read again only when they have changed. */
struct sender_view {
    struct arena alerts_arena, channels_arena;
    struct routed_alert *alerts; /* what fires, and what was over a short while ago */
    size_t n;
    struct channel *channels;
    size_t n_channels;
};

struct rules_loaded {
    struct alert_rules rules;
    struct alerter *alerter;
    int64_t *next_ms; /* of each group */
};

struct alerts {
    struct alerts_config config;
    struct api *api;
    struct store_writer *writer;
    struct notify_settings notify;
    uint8_t key[NOTIFY_KEY_BYTES]; /* of the channels' secrets */
    atomic_bool ending;            /* ends the dead man's message that is under way */
    pthread_mutex_t lock;          /* guards what the threads and the API touch */
    bool stopping;
    struct alerts_thread evaluator, sender, dead_man;
    bool reload_rules, reload_overrides, reload_routing;

    /* the evaluator's */
    pthread_mutex_t rules_lock; /* guards loaded against the API */
    struct rules_loaded loaded;
    pthread_mutex_t mail_lock; /* guards mail */
    struct mail_templates *mail;
    struct buf message;      /* samples of the evaluation under way */
    struct arena puts_arena; /* and its changes */
    struct alert_put *puts;
    size_t n_puts, puts_size;
    const struct rule_group *group;
    int64_t now_ms, self_ms, trimmed_ms;
    struct map heard;         /* host -> struct heard, alerts_silence.c */
    int64_t back_ms, away_ms; /* when the server came back, and after how long */
    _Atomic int64_t certificate_expires_s;

    /* the sender's */
    struct routing *routing;
    struct silences *silences;
    struct groups *groups;
    bool recalled; /* groups know what they were told */
    struct sender_view known;
    bool dirty;                   /* alerts have changed; guarded by lock */
    bool freed;                   /* a channel is free for its next delivery; guarded by lock */
    int64_t route_ms, deliver_ms; /* when to look next */
    int64_t summary_ms;           /* when the last daily summary was made; 0: never */
    int64_t alertmanager_ms;      /* when Alertmanagers are told again */
    uint64_t alertmanager_told;   /* of what fired when they were told */
    struct map sending;           /* channel -> its deliveries under way; guarded by lock */
    size_t n_sending;
    pthread_cond_t sent;
    uint64_t notifications, failures;
};

/* The wall clock, or the earlier opinion while it is doubted: nothing of ours is stored in the
 * future. */
static inline int64_t alerts_now_ms(const struct alerts *a)
{
    return store_age_clock_ms(a->config.store);
}

/* ---- alerts_rules.c ---- */

MUST_USE enum status alerts_load(struct alerts *a, struct rules_loaded *out, struct err *err);
void alerts_unload(struct rules_loaded *l);
void alerts_overrides(struct alerts *a, struct alerter *to);
void alerts_recall(struct alerts *a); /* what was active before the start */
/* Evaluates what is due; the time of the next. */
int64_t alerts_evaluate(struct alerts *a, int64_t now_ms);

/* ---- alerts_mail.c ---- */

/* Templates are read again; when one is bad the old ones stay. */
void alerts_mail_load(struct alerts *a);
/* Subject and texts of the notification; n's spans stand in words then. */
void alerts_mail(struct alerts *a, struct notification *n, struct mail_words *words);

/* ---- alerts_send.c ---- */

void alerts_send_open(struct alerts *a);
void alerts_send_close(struct alerts *a);
/* Routes what has changed and starts deliveries; the time of the next look. */
int64_t alerts_send(struct alerts *a, int64_t now_ms);

/* ---- alerts_channels.c ---- */

/* The key of the secrets, made at the first start; secrets that are not sealed yet are. */
MUST_USE enum status alerts_channels_open(struct alerts *a, struct err *err);
void alerts_channels_load(struct alerts *a);
enum status alerts_test(struct alerts *a, int64_t channel_id, struct err *err);

/* ---- alerts_deliver.c ---- */

enum { ALERTMANAGER_EVERY_MS = 60 * 1000 };

/* Starts what is due; the time of the next. */
int64_t alerts_deliver(struct alerts *a, int64_t now_ms);
/* Tells an Alertmanager what it was told already, without a line in the log unless it fails. */
void alerts_tell_again(struct alerts *a, const struct channel *c, int64_t now_ms);
/* The console's own channel: to every browser that is open. */
void alerts_to_browsers(struct alerts *a, const char *json);

/* ---- alerts_message.c ---- */

/* The daily summary. */
void alerts_summary(struct alerts *a, int64_t now_ms, struct buf *out);
/* What an Alertmanager is told now: messages of MESSAGE_ALERTS_MAX alerts at most; the caller frees
 * each and the array. */
size_t alerts_everything(struct alerts *a, int64_t now_ms, char ***out);
/* The last hour of what the first alert of the message is about, as a PNG; nothing when that
 * cannot be shown. Any thread. */
void alerts_chart(struct alerts *a, struct span message, int64_t now_ms, struct buf *png);

/* ---- alerts_self.c ---- */

/* The server's own series, as those of a host. */
void alerts_self(struct alerts *a, int64_t now_ms, struct buf *message);
/* ---- alerts_silence.c ---- */

/* For how long each host has been silent. */
void alerts_silence(struct alerts *a, int64_t now_ms, struct buf *message);
void alerts_silence_open(struct alerts *a, int64_t now_ms);
void alerts_silence_close(struct alerts *a);

/* On a thread of its own: an address that hangs delays nothing. The time of the next. */
int64_t alerts_dead_man(struct alerts *a, int64_t now_ms);

void alerts_poke(struct alerts *a, struct alerts_thread *t);
