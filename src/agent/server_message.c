/* See server_message.h. JSON, which YAML's reader reads too. */
#include "agent/server_message.h"

static enum status read_live(struct server_message *m, struct err *err)
{
    const struct yaml *every = yaml_get(m->root, "every_s");
    double every_s = 0;
    if (!every)
        return err_set(err, INVALID, "live has every_s");
    enum status st = yaml_double(every, 0, SERVER_LIVE_MAX_S, &every_s, err);
    m->live_every_ms = (int64_t)(every_s * 1000);
    return st;
}

static enum status read_token(struct server_message *m, struct err *err)
{
    const struct yaml *token = yaml_get(m->root, "token");
    return token ? yaml_string(token, &m->token, err) : err_set(err, INVALID, "token has token");
}

static const struct {
    const char *op;
    enum status (*read)(struct server_message *m, struct err *err);
} ops[] = {
    [SERVER_SETTINGS] = {"settings", NULL}, [SERVER_LIVE] = {"live", read_live},
    [SERVER_SNAPSHOT] = {"snapshot", NULL}, [SERVER_ADVICE] = {"advice", NULL},
    [SERVER_ACT] = {"act", NULL},           [SERVER_TOKEN] = {"token", read_token},
};

enum status server_message_read(struct span text, struct arena *arena, struct server_message *out,
                                struct err *err)
{
    const char *op = NULL;
    *out = (struct server_message){.op = SERVER_OTHER};
    if (text.len > SERVER_MESSAGE_MAX_BYTES)
        return err_set(err, INVALID, "a message is at most %d bytes long",
                       SERVER_MESSAGE_MAX_BYTES);
    enum status st = yaml_parse(text, "message", arena, &out->root, err);
    if (st)
        return st;
    const struct yaml *name =
        out->root && out->root->kind == YAML_MAP ? yaml_get(out->root, "op") : NULL;
    if (!name || yaml_string(name, &op, NULL))
        return err_set(err, INVALID, "a message is an object with \"op\"");
    for (enum server_op i = SERVER_SETTINGS; i < COUNT(ops); i++)
        if (strcmp(op, ops[i].op) == 0)
            out->op = i;
    return ops[out->op].read ? ops[out->op].read(out, err) : OK;
}
