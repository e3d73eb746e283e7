/* What a check found, as JSON. */
#include "store/store.h"

#include "base/json.h"

enum { REPORT_FINDINGS_MAX = 1000 };

struct report {
    struct json *j;
    size_t written;
};

static void put_finding(void *arg, const struct store_finding *f)
{
    struct report *r = arg;
    if (r->written++ >= REPORT_FINDINGS_MAX)
        return;
    json_begin_object(r->j);
    json_field(r->j, "kind", store_fault_name(f->kind));
    json_field(r->j, "file", f->file);
    if (f->host.len)
        json_field_span(r->j, "host", f->host);
    if (f->kind == STORE_GAP) {
        json_field_i64(r->j, "from_ms", f->from_ms);
        json_field_i64(r->j, "to_ms", f->to_ms);
    }
    json_field(r->j, "text", f->text);
    json_end_object(r->j);
}

static void put_sums(struct json *j, const struct store_checked *sum)
{
    const struct {
        const char *name;
        uint64_t n;
    } sums[] = {
        {"blocks", sum->blocks},         {"hosts", sum->hosts},
        {"series", sum->series},         {"samples", sum->samples},
        {"bytes", sum->bytes},           {"unchecked_samples", sum->unchecked_samples},
        {"log_files", sum->log_files},   {"log_records", sum->log_records},
        {"torn_bytes", sum->torn_bytes},
    };
    uint64_t faults = 0;
    for (size_t i = 0; i < COUNT(sums); i++)
        json_field_i64(j, sums[i].name, (int64_t)sums[i].n);
    json_key(j, "found");
    json_begin_object(j);
    for (enum store_fault k = 0; k < STORE_FAULT_KINDS; k++) {
        json_field_i64(j, store_fault_name(k), (int64_t)sum->found[k]);
        faults += k == STORE_GAP || k == STORE_FAULT_ORPHAN ? 0 : sum->found[k];
    }
    json_end_object(j);
    json_field_i64(j, "faults", (int64_t)faults);
    json_field_bool(j, "ok", faults == 0);
}

enum status store_check_json(struct store *s, const char *dir, int64_t now_ms, struct buf *out,
                             struct err *err)
{
    struct json j = json_to(out);
    struct report r = {.j = &j};
    struct store_checked sum;
    json_begin_object(&j);
    json_key(&j, "findings");
    json_begin_array(&j);
    enum status st = s ? store_check(s, put_finding, &r, &sum, err)
                       : store_check_dir(dir, now_ms, put_finding, &r, &sum, err);
    json_end_array(&j);
    if (st)
        return st;
    put_sums(&j, &sum);
    json_end_object(&j);
    return OK;
}
