/* The way of the data: batches go to the store and on to those who watch; on a tick everything
 * stored is analysed, and what was found goes to the record, into the store as series, and to
 * those who watch. This is where neighbours meet. */
#pragma once

#include "api/api.h"
#include "base/loop.h"

struct pipeline;

struct pipeline_config {
    struct loop *loop;
    struct store *store;
    struct record *record;
    struct adviser *adviser;
    struct adviser_config advice; /* for reading rules and model again; texts live as long */
    int64_t interval_ms;
    int64_t results_kept_ms; /* analysis results older than this are deleted */
    loop_fn also_reload;     /* on the loop's thread, when the API asks to read rules again */
    void *reload_arg;
};

MUST_USE enum status pipeline_open(const struct pipeline_config *config, struct pipeline **out,
                                   struct err *err);
/* Who watches; before pipeline_start. */
void pipeline_set_api(struct pipeline *p, struct api *api);
void pipeline_start(struct pipeline *p);
void pipeline_stop(struct pipeline *p);  /* waits for the tick under way */
void pipeline_close(struct pipeline *p); /* NULL is fine */

/* The hooks of struct api_config. */
void pipeline_take(void *pipeline, struct batch *b);
enum status pipeline_payload(void *pipeline, struct span payload, int64_t now_ms,
                             struct buf *answer, struct err *err);
void pipeline_model(void *pipeline, struct model_label *out);
enum status pipeline_ask(void *pipeline, const struct advice_question *q, struct buf *answer,
                         struct err *err);
/* Rules and model again (SIGHUP), on the thread of the analysis; both stay as they were when
 * anything is wrong, and the log says what. */
void pipeline_reload_soon(struct pipeline *p);
