/* Thresholds that are wanted together, put in one step for all hosts: what the rules say themselves
 * ("standard"), or fewer and simpler alerts. A preset is a list of overrides; putting one takes
 * back what was chosen for all hosts of the rules that any preset speaks of, and leaves single
 * hosts as they are. */
#include "api/call.h"

#include "base/clock.h"
#include "base/json.h"
#include "record/alerts.h"

enum { PRESET_OVERRIDES_MAX = 5000 };

struct preset_change {
    const char *rule, *level;
    bool off;
    double value, clear; /* unless off */
};

struct preset {
    const char *name, *text;
    struct preset_change changes[6];
};

static const struct preset presets[] = {
    {"standard",
     "warning and critical: CPU 80 and 90 %, memory 80 and 90 %, disks 85 and 95 %",
     {{0}}},
    {"critical",
     "critical alone: CPU above 90 % for 5 minutes, less than 10 % of memory available, disks "
     "above "
     "95 %",
     {{"CpuUsageHigh", "warning", true, 0, 0},
      {"MemoryUsageHigh", "warning", true, 0, 0},
      {"DiskSpaceLow", "warning", true, 0, 0}}},
    {"simple",
     "one level: CPU above 80 %, memory above 90 %, disks above 85 %",
     {{"CpuUsageHigh", "critical", true, 0, 0},
      {"MemoryUsageHigh", "critical", true, 0, 0},
      {"MemoryUsageHigh", "warning", false, 90, 85},
      {"DiskSpaceLow", "critical", true, 0, 0}}},
};

static void list_json(struct json *j)
{
    json_begin_object(j);
    json_key(j, "presets");
    json_begin_array(j);
    for (size_t i = 0; i < COUNT(presets); i++) {
        json_begin_object(j);
        json_field(j, "name", presets[i].name);
        json_field(j, "text", presets[i].text);
        json_end_object(j);
    }
    json_end_array(j);
    json_end_object(j);
}

void alert_presets_list(struct call *c)
{
    auto_buf body = {0};
    struct json j = json_to(&body);
    list_json(&j);
    api_json(c, 200, &body);
}

static struct span document_name(struct arena *arena, const struct preset_change *x)
{
    return span_of(arena_printf(arena, "%s/%s/", x->rule, x->level));
}

/* What the presets speak of goes back to what the rules say. */
static enum status take_back(struct record *r, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < COUNT(presets); i++)
        for (const struct preset_change *x = presets[i].changes; x->rule; x++) {
            struct document_row old;
            if (record_document(r, SPAN("override"), 0, document_name(arena, x), arena, &old, NULL))
                continue;
            enum status st = record_document_delete(r, SPAN("override"), old.id, err);
            if (st)
                return st;
        }
    return OK;
}

static enum status put_change(struct call *c, const struct preset_change *x, struct arena *arena,
                              struct err *err)
{
    auto_buf text = {0};
    struct json j = json_to(&text);
    json_begin_object(&j);
    json_field(&j, "rule", x->rule);
    json_field(&j, "level", x->level);
    if (x->off)
        json_field_bool(&j, "disabled", true);
    if (!x->off) {
        json_field_double(&j, "value", x->value);
        json_field_double(&j, "clear", x->clear);
    }
    json_end_object(&j);
    struct document_row row = {.kind = SPAN("override"),
                               .name = document_name(arena, x),
                               .json = buf_view(&text),
                               .changed_by = span_of(c->who.name),
                               .changed_ms = clock_wall_ms()};
    return record_document_put(c->api->record, &row, -1, PRESET_OVERRIDES_MAX, err);
}

static enum status put_preset(struct call *c, void *arg, struct arena *arena,
                              struct buf *body UNUSED, struct err *err)
{
    const struct preset *p = arg;
    enum status st = take_back(c->api->record, arena, err);
    for (const struct preset_change *x = p->changes; !st && x->rule; x++)
        st = put_change(c, x, arena, err);
    if (!st)
        st = api_audit(c, "preset of thresholds", span_of(p->name), err);
    c->api->alerts.changed(c->api->alerts.arg, SPAN("override"));
    return st;
}

void alert_presets_put(struct call *c)
{
    for (size_t i = 0; i < COUNT(presets); i++)
        if (span_is(c->id, presets[i].name)) {
            api_work(c, put_preset, (void *)(uintptr_t)&presets[i]);
            return;
        }
    http_problem(c->req, 404, "there is no preset \"%.*s\": standard, critical or simple",
                 (int)MIN(c->id.len, (size_t)40), c->id.at);
}
