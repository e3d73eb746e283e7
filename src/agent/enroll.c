/* See enroll.h. The answer is JSON, which YAML's reader reads too; so the agent needs no other. */
#include "agent/enroll.h"

#include "base/file.h"
#include "base/json.h"
#include "base/yaml.h"

enum { TOKEN_MAX_BYTES = 512 };

void enroll_request(struct buf *body, const char *machine_id, const char *hostname)
{
    struct json j = json_to(body);
    json_begin_object(&j);
    json_field(&j, "machine_id", machine_id);
    json_field(&j, "hostname", hostname);
    json_end_object(&j);
}

/* It will stand in a header. */
static bool is_token(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n > TOKEN_MAX_BYTES)
        return false;
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

enum status enroll_keep(const char *token, const char *file, struct err *err)
{
    if (!is_token(token))
        return err_set(err, INVALID, "the server's token is none");
    auto_buf line = {0};
    buf_str(&line, token);
    buf_char(&line, '\n');
    return file_write_atomic(file, buf_view(&line), 0600, err);
}

enum status enroll_accept(struct span answer, const char *file, struct err *err)
{
    auto_arena arena = {0};
    struct yaml *root = NULL;
    const char *token = "";
    enum status st = yaml_parse(answer, "the server's answer", &arena, &root, err);
    if (st)
        return st;
    struct yaml *node = root && root->kind == YAML_MAP ? yaml_get(root, "token") : NULL;
    if (!node || yaml_string(node, &token, NULL) || !is_token(token))
        return err_set(err, INVALID, "the server's answer to the enrolment has no token");
    return enroll_keep(token, file, err);
}
