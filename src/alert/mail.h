/* Mails from templates: a notification (Alertmanager's webhook JSON, version 4) becomes a subject,
 * a text and HTML. The data has Alertmanager's names; docs/ALERTS.md lists them. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum {
    MAIL_LISTED_MAX = 20,      /* alerts in .Listed */
    MAIL_OUTPUT_MAX = 1 << 20, /* bytes of each of the three */
};

enum mail_part { MAIL_SUBJECT, MAIL_TEXT, MAIL_HTML, MAIL_PARTS };

struct mail_templates; /* immutable; threads may share it */

struct mail_words {
    struct buf part[MAIL_PARTS];
};
void mail_words_free(struct mail_words *w);
#define auto_mail_words CLEANUP(mail_words_free) struct mail_words

/* mail.subject.tmpl, mail.text.tmpl and mail.html.tmpl from own, where they are there, else from
 * shipped. Each is tried on a made-up notification. Errors name file, line and reason; *out is NULL
 * then. own may be NULL. */
MUST_USE enum status mail_templates_open(const char *shipped, const char *own,
                                         struct mail_templates **out, struct err *err);
void mail_templates_close(struct mail_templates *t); /* NULL is fine */
/* One file, which has one of the three names. */
MUST_USE enum status mail_template_check(const char *path, struct err *err);

/* chart: the mail has a picture. Any thread. On failure words are empty. */
MUST_USE enum status mail_write(const struct mail_templates *t, struct span json, bool chart,
                                struct mail_words *words, struct err *err);
