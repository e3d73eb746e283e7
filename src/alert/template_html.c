/* Values in HTML: escaped for where they stand, refused where escaping would not do (as names, in
 * unquoted attributes, in scripts and styles). The place is known from the text of the template
 * alone: an escaped value cannot leave the place it stands in. */
#include "alert/template_tree.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static void add(char *name, size_t size, char c)
{
    size_t n = strlen(name);
    if (n + 1 < size)
        name[n] = (char)tolower((unsigned char)c);
}

static bool one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static void tag_over(struct html_place *h)
{
    static const char *const raw[] = {"script", "style", "textarea", "title", "iframe", NULL};
    h->state = !h->closing && one_of(h->element, raw) ? HTML_RAW : HTML_TEXT;
}

static void element_begins(struct html_place *h, char c)
{
    h->state = HTML_ELEMENT;
    h->closing = c == '/';
    memset(h->element, 0, sizeof h->element);
    if (c != '/')
        add(h->element, sizeof h->element, c);
}

static void in_tag(struct html_place *h, char c)
{
    if (c == '>') {
        tag_over(h);
    } else if (c == '=') {
        h->state = HTML_EQUALS;
    } else if (isspace((unsigned char)c) || c == '/') {
        h->state = HTML_TAG;
    } else if (h->state == HTML_ELEMENT) {
        add(h->element, sizeof h->element, c);
    } else {
        if (h->state == HTML_TAG)
            memset(h->attribute, 0, sizeof h->attribute);
        h->state = HTML_ATTRIBUTE;
        add(h->attribute, sizeof h->attribute, c);
    }
}

static void after_equals(struct html_place *h, char c)
{
    h->at_start = true;
    if (c == '>')
        tag_over(h);
    else if (!isspace((unsigned char)c))
        h->state = c == '"' ? HTML_DOUBLE : c == '\'' ? HTML_SINGLE : HTML_UNQUOTED;
}

static void in_value(struct html_place *h, char c)
{
    h->at_start = false;
    bool ends = h->state == HTML_DOUBLE   ? c == '"'
                : h->state == HTML_SINGLE ? c == '\''
                                          : isspace((unsigned char)c) != 0;
    if (ends)
        h->state = HTML_TAG;
    else if (h->state == HTML_UNQUOTED && c == '>')
        tag_over(h);
}

static void one(struct html_place *h, char c)
{
    switch (h->state) {
    case HTML_TEXT:
    case HTML_RAW:
        if (c == '<')
            h->state = h->state == HTML_TEXT ? HTML_OPEN : HTML_RAW_OPEN;
        break;
    case HTML_OPEN:
        if (c == '/' || isalpha((unsigned char)c))
            element_begins(h, c);
        else if (c != '<')
            h->state = c == '!' || c == '?' ? HTML_DECLARATION : HTML_TEXT;
        break;
    case HTML_RAW_OPEN:
        if (c == '/')
            element_begins(h, c);
        else if (c != '<')
            h->state = HTML_RAW;
        break;
    case HTML_DECLARATION:
        if (c == '>')
            h->state = HTML_TEXT;
        break;
    case HTML_ELEMENT:
    case HTML_TAG:
    case HTML_ATTRIBUTE:
        in_tag(h, c);
        break;
    case HTML_EQUALS:
        after_equals(h, c);
        break;
    case HTML_UNQUOTED:
    case HTML_DOUBLE:
    case HTML_SINGLE:
        in_value(h, c);
        break;
    }
}

void html_literal(struct html_place *h, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        one(h, text.at[i]);
}

static void escape(struct span text, bool in_text, struct buf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        const char *name = c == '<'    ? "&lt;"
                           : c == '>'  ? "&gt;"
                           : c == '&'  ? "&amp;"
                           : c == '"'  ? "&quot;"
                           : c == '\'' ? "&#39;"
                           : c == '\n' ? (in_text ? "<br>\n" : "&#10;")
                                       : NULL;
        if (name)
            buf_str(out, name);
        else if (c >= ' ')
            buf_char(out, (char)c);
    }
}

/* A link that a value begins leads to a page, a mail or a picture of this mail: no javascript:. */
static bool is_safe_link(struct span text)
{
    static const char *const begins[] = {"http://", "https://", "mailto:", "cid:"};
    for (size_t i = 0; i < COUNT(begins); i++)
        if (text.len >= strlen(begins[i]) &&
            strncasecmp(text.at, begins[i], strlen(begins[i])) == 0)
            return true;
    return text.len == 0;
}

enum status html_value(struct html_place *h, struct span text, struct buf *out, struct err *err)
{
    static const char *const links[] = {"href", "src",    "action", "formaction", "background",
                                        "cite", "poster", "data",   "xlink:href", NULL};
    static const char *const never[] = {"style", "srcdoc", "srcset", NULL};
    if (h->state == HTML_TEXT) {
        escape(text, true, out);
        return OK;
    }
    if (h->state != HTML_DOUBLE && h->state != HTML_SINGLE)
        return err_set(err, INVALID,
                       "a value stands in the text or in a quoted attribute: not in a tag, "
                       "a script, a style or a comment");
    if (one_of(h->attribute, never) || strncmp(h->attribute, "on", 2) == 0)
        return err_set(err, INVALID, "no value may stand in the attribute \"%s\"", h->attribute);
    bool refused = h->at_start && one_of(h->attribute, links) && !is_safe_link(text);
    escape(refused ? SPAN("#") : text, false, out);
    h->at_start &= text.len == 0;
    return OK;
}
