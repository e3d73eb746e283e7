/* Template text -> tree. */
#include "alert/template_tree.h"

#include <ctype.h>

struct parser {
    struct span text;
    size_t i;
    unsigned line, depth;
    bool trim_next; /* the last action ended with -}} */
    struct arena *arena;
    struct err *err;
    /* inside of an action */
    struct span action;
    size_t k;
};

enum end_word { END_OF_TEXT, END_END, END_ELSE, END_ELSE_IF, END_ELSE_WITH };

static enum status fault(struct parser *p, const char *what)
{
    return err_set(p->err, INVALID, "line %u: %s", p->line, what);
}

static enum status deeper(struct parser *p)
{
    if (++p->depth > TMPL_DEPTH_MAX)
        return err_set(p->err, FULL, "line %u: nested deeper than %d", p->line, TMPL_DEPTH_MAX);
    return OK;
}

/* ---- inside of an action ---- */

static int ahead(const struct parser *p)
{
    return p->k < p->action.len ? (unsigned char)p->action.at[p->k] : -1;
}

static void blanks(struct parser *p)
{
    while (ahead(p) >= 0 && isspace(ahead(p)))
        p->k++;
}

static bool take(struct parser *p, char c)
{
    if (ahead(p) != c)
        return false;
    p->k++;
    return true;
}

static struct span take_word(struct parser *p)
{
    size_t begin = p->k;
    while (isalnum(ahead(p)) || ahead(p) == '_')
        p->k++;
    return span_from(p->action.at + begin, p->k - begin);
}

static bool escape(struct parser *p, struct buf *out)
{
    static const char names[] = "abfnrtv\\'\"", values[] = "\a\b\f\n\r\t\v\\'\"";
    int c = ahead(p);
    const char *at = c > 0 ? strchr(names, c) : NULL;
    if (at) {
        p->k++;
        buf_char(out, values[at - names]);
        return true;
    }
    uint64_t v;
    if (c != 'x' || p->action.len - p->k < 3 ||
        !span_hex(span_from(p->action.at + p->k + 1, 2), &v))
        return false;
    p->k += 3;
    buf_char(out, (char)v);
    return true;
}

static enum status quoted(struct parser *p, struct span *out)
{
    auto_buf text = {0};
    char quote = (char)ahead(p);
    p->k++;
    for (; ahead(p) >= 0 && ahead(p) != quote;) {
        if (quote == '"' && take(p, '\\')) {
            if (!escape(p, &text))
                return fault(p, "an escape in a string that Go does not have");
            continue;
        }
        buf_char(&text, p->action.at[p->k++]);
    }
    if (!take(p, quote))
        return fault(p, "a string without its end");
    *out = arena_span(p->arena, buf_view(&text));
    return OK;
}

static enum status number(struct parser *p, struct tmpl_value *out)
{
    size_t begin = p->k;
    while (isalnum(ahead(p)) || ahead(p) == '.' || ahead(p) == '_' ||
           ((ahead(p) == '-' || ahead(p) == '+') &&
            (p->k == begin || strchr("eE", p->action.at[p->k - 1]))))
        p->k++;
    struct span text = {p->action.at + begin, p->k - begin};
    if (text.len && text.at[0] == '+')
        text = span_from(text.at + 1, text.len - 1);
    if (span_i64(text, &out->i)) {
        out->type = TV_INT;
        out->number = (double)out->i;
    } else if (span_double(text, &out->number)) {
        out->type = TV_NUMBER;
    } else {
        return fault(p, "a number that is none");
    }
    return OK;
}

static enum status pipeline(struct parser *p, struct tmpl_pipe **out, bool in_parens);

static enum status fields(struct parser *p, struct tmpl_operand *o)
{
    while (ahead(p) == '.') {
        p->k++;
        struct span name = take_word(p);
        if (!name.len)
            return fault(p, "no name after \".\"");
        o->fields = arena_grow(p->arena, o->fields, o->n_fields * sizeof *o->fields,
                               (o->n_fields + 1) * sizeof *o->fields);
        o->fields[o->n_fields++] = name;
    }
    return OK;
}

static enum status word(struct parser *p, struct tmpl_operand *o)
{
    struct span name = take_word(p);
    if (span_is(name, "true") || span_is(name, "false")) {
        o->value = (struct tmpl_value){.type = TV_BOOL, .b = span_is(name, "true")};
        return OK;
    }
    if (span_is(name, "nil"))
        return OK;
    o->kind = OPERAND_FUNCTION;
    o->function = tmpl_function_find(name);
    if (!o->function)
        return err_set(p->err, INVALID, "line %u: function \"%.*s\" not defined", p->line,
                       (int)MIN(name.len, (size_t)64), name.at);
    return OK;
}

static enum status variable(struct parser *p, struct span *out)
{
    size_t begin = p->k++;
    take_word(p);
    *out = span_from(p->action.at + begin, p->k - begin);
    return OK;
}

static enum status dot(struct parser *p, struct tmpl_operand *o)
{
    o->kind = OPERAND_DOT;
    if (p->k + 1 < p->action.len &&
        (isalpha((unsigned char)p->action.at[p->k + 1]) || p->action.at[p->k + 1] == '_'))
        return OK; /* fields() goes on from the dot */
    p->k++;
    return OK;
}

static enum status operand(struct parser *p, struct tmpl_operand *o)
{
    int c = ahead(p);
    enum status st;
    if (c == '"' || c == '`') {
        o->value.type = TV_STRING;
        return quoted(p, &o->value.text);
    }
    if (c == '.' && !(p->k + 1 < p->action.len && isdigit((unsigned char)p->action.at[p->k + 1]))) {
        st = dot(p, o);
    } else if (c == '$') {
        o->kind = OPERAND_VARIABLE;
        st = variable(p, &o->name);
    } else if (c == '(') {
        p->k++;
        o->kind = OPERAND_PIPE;
        st = deeper(p);
        if (!st)
            st = pipeline(p, &o->pipe, true);
        p->depth--;
    } else if (isalpha(c) || c == '_') {
        return word(p, o);
    } else if (isdigit(c) || c == '-' || c == '+' || c == '.') {
        return number(p, &o->value);
    } else {
        return err_set(p->err, INVALID, "line %u: unexpected \"%c\" in an action", p->line,
                       c < 0 ? ' ' : c);
    }
    return st ? st : fields(p, o);
}

static enum status command(struct parser *p, struct tmpl_command **out, bool in_parens)
{
    struct tmpl_command *c = *out = ARENA_NEW(p->arena, struct tmpl_command);
    for (blanks(p); ahead(p) >= 0 && ahead(p) != '|' && !(in_parens && ahead(p) == ')');
         blanks(p)) {
        if (c->n == TMPL_ARGS_MAX)
            return fault(p, "too many arguments");
        enum status st = operand(p, &c->args[c->n++]);
        if (st)
            return st;
    }
    if (!c->n)
        return fault(p, "missing value for command");
    if (c->n > 1 && c->args[0].kind != OPERAND_FUNCTION)
        return fault(p, "can't give argument to non-function");
    return OK;
}

/* $v :=, $k, $v :=, $v = */
static void declaration(struct parser *p, struct tmpl_pipe *pipe)
{
    size_t start = p->k;
    struct span names[2];
    size_t n = 0;
    while (n < 2 && ahead(p) == '$') {
        (void)!variable(p, &names[n++]);
        blanks(p);
        if (!take(p, ','))
            break;
        blanks(p);
    }
    bool declares = n && take(p, ':') && ahead(p) == '=';
    if (n && ahead(p) == '=') {
        p->k++;
        pipe->assign = !declares;
        memcpy(pipe->variables, names, sizeof names);
        pipe->n_variables = n;
        return;
    }
    p->k = start;
}

static enum status pipeline(struct parser *p, struct tmpl_pipe **out, bool in_parens)
{
    struct tmpl_pipe *pipe = *out = ARENA_NEW(p->arena, struct tmpl_pipe);
    struct tmpl_command **next = &pipe->commands;
    blanks(p);
    declaration(p, pipe);
    do {
        enum status st = command(p, next, in_parens);
        if (st)
            return st;
        if (next != &pipe->commands && (*next)->args[0].kind != OPERAND_FUNCTION)
            return fault(p, "what follows a | must be a function");
        next = &(*next)->next;
    } while (take(p, '|'));
    if (in_parens && !take(p, ')'))
        return fault(p, "unclosed left paren");
    if (!in_parens && ahead(p) >= 0)
        return fault(p, "unexpected \")\"");
    return OK;
}

/* ---- text and actions ---- */

/* Where the action that begins at i (behind "{{") ends; strings may hold "}}". */
static bool action_end(const struct parser *p, size_t i, size_t *end)
{
    char quote = 0;
    for (; i + 1 < p->text.len; i++) {
        char c = p->text.at[i];
        if (quote) {
            if (c == '\\' && quote == '"')
                i++;
            else if (c == quote)
                quote = 0;
        } else if (c == '"' || c == '`') {
            quote = c;
        } else if (c == '}' && p->text.at[i + 1] == '}') {
            *end = i;
            return true;
        }
    }
    return false;
}

static size_t next_open(const struct parser *p)
{
    for (size_t i = p->i; i + 1 < p->text.len; i++)
        if (p->text.at[i] == '{' && p->text.at[i + 1] == '{')
            return i;
    return p->text.len;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct span take_text(struct parser *p)
{
    size_t open = next_open(p), from = p->i, to = open;
    for (size_t i = p->i; i < open; i++)
        p->line += p->text.at[i] == '\n';
    if (p->trim_next)
        while (from < to && is_blank(p->text.at[from]))
            from++;
    bool trims =
        open + 3 < p->text.len && p->text.at[open + 2] == '-' && is_blank(p->text.at[open + 3]);
    if (trims)
        while (to > from && is_blank(p->text.at[to - 1]))
            to--;
    p->trim_next = false;
    p->i = open;
    return span_from(p->text.at + from, to - from);
}

/* p->i stands on "{{". A comment gives an empty action. */
static enum status take_action(struct parser *p)
{
    size_t begin = p->i + 2, end;
    if (begin + 1 < p->text.len && p->text.at[begin] == '-' && is_blank(p->text.at[begin + 1]))
        begin++;
    struct span rest = {p->text.at + begin, p->text.len - begin};
    rest = span_trim(rest);
    if (span_starts(rest, SPAN("/*"))) {
        const char *close = memmem(rest.at + 2, rest.len - 2, "*/", 2);
        if (!close)
            return fault(p, "unclosed comment");
        begin = (size_t)(close + 2 - p->text.at);
    }
    if (!action_end(p, begin, &end))
        return fault(p, "unclosed action");
    p->i = end + 2;
    if (end > begin + 1 && p->text.at[end - 1] == '-' && is_blank(p->text.at[end - 2])) {
        p->trim_next = true;
        end--;
    }
    p->action = span_from(p->text.at + begin, end - begin);
    p->k = 0;
    blanks(p);
    return OK;
}

static bool keyword(struct parser *p, const char *name)
{
    size_t n = strlen(name);
    if (p->action.len - p->k < n || memcmp(p->action.at + p->k, name, n) != 0)
        return false;
    int after = p->k + n < p->action.len ? (unsigned char)p->action.at[p->k + n] : ' ';
    if (isalnum(after) || after == '_')
        return false;
    p->k += n;
    blanks(p);
    return true;
}

static enum status list(struct parser *p, struct tmpl_node **first, enum end_word *end);

static enum status control(struct parser *p, struct tmpl_node *node)
{
    enum end_word end;
    enum status st = deeper(p);
    if (!st)
        st = pipeline(p, &node->pipe, false);
    if (!st)
        st = list(p, &node->body, &end);
    if (!st && (end == END_ELSE_IF || end == END_ELSE_WITH)) {
        node->otherwise = ARENA_NEW(p->arena, struct tmpl_node);
        node->otherwise->kind = end == END_ELSE_IF ? NODE_IF : NODE_WITH;
        node->otherwise->line = p->line;
        st = control(p, node->otherwise); /* its {{end}} is ours too */
        p->depth--;
        return st;
    }
    if (!st && end == END_ELSE)
        st = list(p, &node->otherwise, &end);
    if (!st && end != END_END)
        st = fault(p, end == END_OF_TEXT ? "if, range or with without {{end}}"
                                         : "{{else}} after {{else}}");
    p->depth--;
    return st;
}

static enum status else_word(struct parser *p, enum end_word *end)
{
    *end = keyword(p, "if") ? END_ELSE_IF : keyword(p, "with") ? END_ELSE_WITH : END_ELSE;
    return *end == END_ELSE && ahead(p) >= 0 ? fault(p, "unexpected text after else") : OK;
}

static enum status action(struct parser *p, struct tmpl_node ***next, enum end_word *end,
                          bool *ended)
{
    static const char *const unknown[] = {"define", "template", "block", "break", "continue"};
    if (ahead(p) < 0)
        return OK; /* a comment */
    if (keyword(p, "end")) {
        *end = END_END;
        *ended = true;
        return ahead(p) >= 0 ? fault(p, "unexpected text after end") : OK;
    }
    if (keyword(p, "else")) {
        *ended = true;
        return else_word(p, end);
    }
    for (size_t i = 0; i < COUNT(unknown); i++)
        if (keyword(p, unknown[i]))
            return err_set(p->err, UNSUPPORTED, "line %u: {{%s}} is not supported", p->line,
                           unknown[i]);
    struct tmpl_node *node = ARENA_NEW(p->arena, struct tmpl_node);
    node->line = p->line;
    **next = node;
    *next = &node->next;
    node->kind = keyword(p, "if")      ? NODE_IF
                 : keyword(p, "range") ? NODE_RANGE
                 : keyword(p, "with")  ? NODE_WITH
                                       : NODE_PIPE;
    return node->kind == NODE_PIPE ? pipeline(p, &node->pipe, false) : control(p, node);
}

static enum status list(struct parser *p, struct tmpl_node **first, enum end_word *end)
{
    struct tmpl_node **next = first;
    bool ended = false;
    while (!ended) {
        struct span text = take_text(p);
        if (text.len) {
            struct tmpl_node *node = *next = ARENA_NEW(p->arena, struct tmpl_node);
            *node = (struct tmpl_node){.kind = NODE_TEXT, .text = text, .line = p->line};
            next = &node->next;
        }
        if (p->i >= p->text.len) {
            *end = END_OF_TEXT;
            return OK;
        }
        enum status st = take_action(p);
        if (!st)
            st = action(p, &next, end, &ended);
        if (st)
            return st;
    }
    return OK;
}

enum status tmpl_parse(struct span text, struct arena *arena, struct tmpl **out, struct err *err)
{
    struct parser p = {.text = text, .line = 1, .arena = arena, .err = err};
    enum end_word end = END_OF_TEXT;
    if (text.len > TMPL_TEXT_MAX_BYTES)
        return err_set(err, FULL, "a template of %zu bytes; %d are allowed", text.len,
                       TMPL_TEXT_MAX_BYTES);
    *out = ARENA_NEW(arena, struct tmpl);
    enum status st = list(&p, &(*out)->first, &end);
    if (!st && end != END_OF_TEXT)
        st = fault(&p, end == END_END ? "unexpected {{end}}" : "unexpected {{else}}");
    return st;
}
