/* Tree and data -> text. */
#include "alert/template_tree.h"

static enum status eval_pipe(struct tmpl_run *r, const struct tmpl_pipe *pipe,
                             const struct tmpl_value *dot, struct tmpl_value *out);
static enum status run_list(struct tmpl_run *r, const struct tmpl_node *node,
                            const struct tmpl_value *dot);

static enum status step(struct tmpl_run *r)
{
    if (++r->steps > TMPL_STEPS_MAX)
        return err_set(r->err, FULL, "the template takes more than %d steps", TMPL_STEPS_MAX);
    return OK;
}

bool tmpl_value_true(const struct tmpl_value *v)
{
    switch (v->type) {
    case TV_NIL:
        return false;
    case TV_BOOL:
        return v->b;
    case TV_INT:
        return v->i != 0;
    case TV_NUMBER:
        return v->number != 0;
    case TV_STRING:
        return v->text.len > 0;
    case TV_LABELS:
        return v->labels.n > 0;
    case TV_SAMPLES:
    case TV_LIST:
        return v->n > 0;
    case TV_SAMPLE:
    case TV_RECORD:
    case TV_ROOT:
        break;
    }
    return true;
}

static struct tmpl_value of_labels(struct labels l)
{
    return (struct tmpl_value){.type = TV_LABELS, .labels = l};
}

static struct tmpl_value of_number(double v)
{
    return (struct tmpl_value){.type = TV_NUMBER, .number = v};
}

static struct tmpl_value of_text(struct span text)
{
    return (struct tmpl_value){.type = TV_STRING, .text = text};
}

static enum status root_field(struct tmpl_run *r, struct span name, struct tmpl_value *v)
{
    if (span_is(name, "Labels"))
        *v = of_labels(r->data->labels);
    else if (span_is(name, "ExternalLabels"))
        *v = of_labels(r->data->external_labels);
    else if (span_is(name, "ExternalURL"))
        *v = of_text(r->data->external_url);
    else if (span_is(name, "Value"))
        *v = of_number(r->data->value);
    else
        return err_set(r->err, INVALID, "can't evaluate field %.*s", SPAN_ARG(name));
    return OK;
}

static enum status field(struct tmpl_run *r, struct span name, struct tmpl_value *v)
{
    switch (v->type) {
    case TV_RECORD:
    case TV_LIST:
        for (size_t i = 0; i < v->n_fields; i++)
            if (span_is(name, v->fields[i].name)) {
                *v = v->fields[i].value;
                return OK;
            }
        break;
    case TV_ROOT:
        return root_field(r, name, v);
    case TV_LABELS: { /* a label that is not there is "" */
        struct span value = labels_get(v->labels, name);
        *v = of_text(value.at ? value : SPAN(""));
        return OK;
    }
    case TV_SAMPLE:
        if (span_is(name, "Labels")) {
            *v = of_labels(v->samples->labels);
            return OK;
        }
        if (span_is(name, "Value")) {
            *v = of_number(v->samples->value);
            return OK;
        }
        break;
    default:
        break;
    }
    return err_set(r->err, INVALID, "can't evaluate field %.*s", SPAN_ARG(name));
}

static enum status find_variable(struct tmpl_run *r, struct span name, struct tmpl_value **out)
{
    *out = NULL;
    for (size_t i = r->n_variables; i-- > 0;)
        if (span_eq(r->variables[i].name, name)) {
            *out = &r->variables[i].value;
            return OK;
        }
    return err_set(r->err, INVALID, "undefined variable \"%.*s\"", SPAN_ARG(name));
}

static enum status declare(struct tmpl_run *r, struct span name, const struct tmpl_value *v)
{
    if (r->n_variables == TMPL_VARIABLES_MAX)
        return err_set(r->err, FULL, "more than %d variables", TMPL_VARIABLES_MAX);
    r->variables[r->n_variables].name = name;
    r->variables[r->n_variables++].value = *v;
    return OK;
}

static enum status eval_operand(struct tmpl_run *r, const struct tmpl_operand *o,
                                const struct tmpl_value *dot, struct tmpl_value *out)
{
    enum status st = OK;
    struct tmpl_value *variable;
    switch (o->kind) {
    case OPERAND_VALUE:
        *out = o->value;
        return OK;
    case OPERAND_DOT:
        *out = *dot;
        break;
    case OPERAND_VARIABLE:
        st = find_variable(r, o->name, &variable);
        if (!st)
            *out = *variable;
        break;
    case OPERAND_PIPE:
        st = eval_pipe(r, o->pipe, dot, out);
        break;
    case OPERAND_FUNCTION:
        if (o->function->min > 0)
            return err_set(r->err, INVALID, "%s wants %u arguments", o->function->name,
                           o->function->min);
        return o->function->run(r, NULL, 0, out);
    }
    for (size_t i = 0; !st && i < o->n_fields; i++)
        st = field(r, o->fields[i], out);
    return st;
}

static enum status call(struct tmpl_run *r, const struct tmpl_function *f,
                        const struct tmpl_value *args, size_t n, struct tmpl_value *out)
{
    if (n < f->min || n > f->max)
        return err_set(r->err, INVALID, "wrong number of args for %s: want %u got %zu", f->name,
                       f->min, n);
    enum status st = step(r);
    return st ? st : f->run(r, args, n, out);
}

/* last: what came through the pipe, or NULL. */
static enum status eval_command(struct tmpl_run *r, const struct tmpl_command *c,
                                const struct tmpl_value *last, const struct tmpl_value *dot,
                                struct tmpl_value *out)
{
    struct tmpl_value args[TMPL_ARGS_MAX + 1];
    size_t n = 0;
    if (c->args[0].kind != OPERAND_FUNCTION)
        return eval_operand(r, &c->args[0], dot, out);
    for (size_t i = 1; i < c->n; i++) {
        enum status st = eval_operand(r, &c->args[i], dot, &args[n++]);
        if (st)
            return st;
    }
    if (last)
        args[n++] = *last;
    return call(r, c->args[0].function, args, n, out);
}

static enum status eval_pipe(struct tmpl_run *r, const struct tmpl_pipe *pipe,
                             const struct tmpl_value *dot, struct tmpl_value *out)
{
    struct tmpl_value v = {0}, last;
    bool has_last = false;
    for (const struct tmpl_command *c = pipe->commands; c; c = c->next) {
        last = v;
        v = (struct tmpl_value){0};
        enum status st = eval_command(r, c, has_last ? &last : NULL, dot, &v);
        if (st)
            return st;
        has_last = true;
    }
    *out = v;
    return OK;
}

static enum status set_variable(struct tmpl_run *r, const struct tmpl_pipe *pipe,
                                const struct tmpl_value *v)
{
    struct tmpl_value *variable;
    if (!pipe->n_variables)
        return OK;
    if (!pipe->assign)
        return declare(r, pipe->variables[0], v);
    enum status st = find_variable(r, pipe->variables[0], &variable);
    if (!st && variable)
        *variable = *v;
    return st;
}

static size_t range_size(const struct tmpl_value *v)
{
    return v->type == TV_SAMPLES || v->type == TV_LIST ? v->n
           : v->type == TV_LABELS                      ? v->labels.n
                                                       : 0;
}

static void range_item(const struct tmpl_value *v, size_t i, struct tmpl_value *key,
                       struct tmpl_value *item)
{
    if (v->type == TV_LABELS) {
        *key = of_text(v->labels.at[i].name);
        *item = of_text(v->labels.at[i].value);
    } else {
        *key = (struct tmpl_value){.type = TV_INT, .i = (int64_t)i, .number = (double)i};
        *item = v->type == TV_LIST
                    ? v->items[i]
                    : (struct tmpl_value){.type = TV_SAMPLE, .samples = &v->samples[i], .n = 1};
    }
}

static enum status run_range(struct tmpl_run *r, const struct tmpl_node *node,
                             const struct tmpl_value *v, const struct tmpl_value *dot)
{
    if (v->type != TV_SAMPLES && v->type != TV_LABELS && v->type != TV_LIST && v->type != TV_NIL)
        return err_set(r->err, INVALID, "range can't iterate over this");
    size_t n = range_size(v), mark = r->n_variables;
    if (!n)
        return run_list(r, node->otherwise, dot);
    for (size_t i = 0; i < n; i++) {
        struct tmpl_value key, item;
        enum status st = step(r);
        range_item(v, i, &key, &item);
        if (!st && node->pipe->n_variables == 2)
            st = declare(r, node->pipe->variables[0], &key);
        if (!st && node->pipe->n_variables)
            st = declare(r, node->pipe->variables[node->pipe->n_variables - 1], &item);
        if (!st)
            st = run_list(r, node->body, &item);
        r->n_variables = mark;
        if (st)
            return st;
    }
    return OK;
}

static enum status run_control(struct tmpl_run *r, const struct tmpl_node *node,
                               const struct tmpl_value *dot)
{
    struct tmpl_value v;
    size_t mark = r->n_variables;
    if (++r->depth > TMPL_DEPTH_MAX)
        return err_set(r->err, FULL, "the template runs deeper than %d", TMPL_DEPTH_MAX);
    enum status st = eval_pipe(r, node->pipe, dot, &v);
    if (!st && node->kind == NODE_RANGE)
        st = run_range(r, node, &v, dot);
    if (!st && node->kind != NODE_RANGE)
        st = set_variable(r, node->pipe, &v);
    if (!st && node->kind != NODE_RANGE) {
        bool is_true = tmpl_value_true(&v);
        st = run_list(r, is_true ? node->body : node->otherwise,
                      is_true && node->kind == NODE_WITH ? &v : dot);
    }
    r->n_variables = mark;
    r->depth--;
    return st;
}

static enum status print(struct tmpl_run *r, const struct tmpl_value *v)
{
    auto_buf text = {.max = r->data->output_max};
    if (v->type == TV_RECORD || v->type == TV_LIST)
        return err_set(r->err, INVALID, "this is no text: name a field of it, or range over it");
    if (!r->data->html) {
        tmpl_value_print(r->out, v);
        return OK;
    }
    tmpl_value_print(&text, v);
    return html_value(&r->html, buf_view(&text), r->out, r->err);
}

static enum status run_node(struct tmpl_run *r, const struct tmpl_node *node,
                            const struct tmpl_value *dot)
{
    struct tmpl_value v;
    if (node->kind == NODE_TEXT) {
        buf_span(r->out, node->text);
        if (r->data->html)
            html_literal(&r->html, node->text);
        return OK;
    }
    if (node->kind != NODE_PIPE)
        return run_control(r, node, dot);
    enum status st = eval_pipe(r, node->pipe, dot, &v);
    if (!st && node->pipe->n_variables)
        return set_variable(r, node->pipe, &v);
    return st ? st : print(r, &v);
}

static enum status run_list(struct tmpl_run *r, const struct tmpl_node *node,
                            const struct tmpl_value *dot)
{
    size_t most = r->data->output_max ? r->data->output_max : (size_t)TMPL_OUTPUT_MAX_BYTES;
    for (; node; node = node->next) {
        enum status st = step(r);
        if (!st)
            st = run_node(r, node, dot);
        if (st && r->err && !strstr(r->err->text, "line "))
            err_prefix(r->err, "line %u", node->line);
        if (!st && (r->out->failed || r->out->len - r->out_start > most))
            st = err_set(r->err, FULL, "line %u: the text is longer than %zu bytes", node->line,
                         most);
        if (st)
            return st;
    }
    return OK;
}

enum status tmpl_expand(const struct tmpl *t, const struct tmpl_data *data, struct arena *scratch,
                        struct buf *out, struct err *err)
{
    if (!t->first || (t->first->kind == NODE_TEXT && !t->first->next && !data->root)) {
        buf_span(out, t->first ? t->first->text : SPAN(""));
        return OK;
    }
    struct tmpl_run *r = ARENA_NEW(scratch, struct tmpl_run);
    r->data = data;
    r->scratch = scratch;
    r->out = out;
    r->out_start = out->len;
    r->err = err;
    struct tmpl_value root = {.type = TV_ROOT};
    struct tmpl_value labels = of_labels(data->labels), external = of_labels(data->external_labels);
    struct tmpl_value url = of_text(data->external_url), value = of_number(data->value);
    (void)!declare(r, SPAN("$"), data->root ? data->root : &root);
    (void)!declare(r, SPAN("$labels"), &labels);
    (void)!declare(r, SPAN("$externalLabels"), &external);
    (void)!declare(r, SPAN("$externalURL"), &url);
    (void)!declare(r, SPAN("$value"), &value);
    enum status st = run_list(r, t->first, data->root ? data->root : &root);
    if (!st && data->html && r->html.state != HTML_TEXT)
        st = err_set(err, INVALID, "the HTML ends inside of a tag");
    return st;
}
