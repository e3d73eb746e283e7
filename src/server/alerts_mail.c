/* The templates of mails: those that run, and those that came with Galen. */
#include "server/alerts_state.h"

#include "base/log.h"

static struct mail_templates *read_templates(struct alerts *a, const char *own, struct err *err)
{
    auto_buf shipped = {0};
    struct mail_templates *t = NULL;
    if (!a->config.rules_dir) {
        err_set(err, NOT_FOUND, "there is no directory of rules");
        return NULL;
    }
    buf_printf(&shipped, "%s/alerts/templates", a->config.rules_dir);
    (void)!mail_templates_open(buf_text(&shipped), own, &t, err);
    return t;
}

static void swap(struct alerts *a, struct mail_templates *next)
{
    pthread_mutex_lock(&a->mail_lock);
    struct mail_templates *old = a->mail;
    a->mail = next;
    pthread_mutex_unlock(&a->mail_lock);
    mail_templates_close(old);
}

void alerts_mail_load(struct alerts *a)
{
    auto_buf own = {0};
    struct err err = {0}, why = {0};
    bool has_own = a->config.rules_extra && *a->config.rules_extra;
    buf_printf(&own, "%s/templates", has_own ? a->config.rules_extra : "");
    const char *instead = a->mail ? "the old templates stay" : "they are in plain words";
    struct mail_templates *next = read_templates(a, has_own ? buf_text(&own) : NULL, &err);
    if (!next && !a->mail && has_own) {
        next = read_templates(a, NULL, &why);
        instead = next ? "Galen's own templates are used" : instead;
    }
    if (err.status)
        log_error("mails: %s: %s", instead, err.text);
    if (next)
        swap(a, next);
}

void alerts_mail(struct alerts *a, struct notification *n, struct mail_words *words)
{
    struct err err = {0};
    enum status st = NOT_FOUND;
    pthread_mutex_lock(&a->mail_lock);
    if (a->mail)
        st = mail_write(a->mail, n->json, n->png.len > 0, words, &err);
    pthread_mutex_unlock(&a->mail_lock);
    if (st && *err.text)
        log_error("a mail is in plain words: %s", err.text);
    n->subject = buf_view(&words->part[MAIL_SUBJECT]);
    n->text = buf_view(&words->part[MAIL_TEXT]);
    n->html = buf_view(&words->part[MAIL_HTML]);
}
