/* Which of the products that Galen has profiles for run here, by the names of their processes. */
#include "collect/collectors.h"
#include "collect/parse.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

static const struct metric products_metrics[] = {
    {"galen_product_processes",
     METRIC_GAUGE,
     "Processes of products that rules/profiles knows, by their name; Java programs by what they "
     "run.",
     {"process"}},
};

/* As the kernel has it: 15 characters. */
static const char *const names[] = {
    "amqzxma0",       "runmqlsr",  "postgres",   "postmaster", "redis-server", "mongod",
    "nginx",          "oracle",    "tnslsnr",    "mysqld",     "mariadbd",     "haproxy",
    "hdbindexserver", "disp+work", "containerd", "dockerd",    "kubelet",      "crio",
};

/* What stands in a Java program's command line. */
static const struct {
    const char *text, *name;
} java[] = {
    {"org.elasticsearch.", "elasticsearch"},
    {"org.opensearch.", "opensearch"},
    {"kafka.Kafka", "kafka"},
    {"org.apache.cassandra.", "cassandra"},
    {"org.apache.catalina.", "tomcat"},
};

struct products_state {
    size_t count[COUNT(names)], java_count[COUNT(java)];
};

static void look_at_java(struct tick *t, const char *pid, struct products_state *s)
{
    char path[64];
    struct span text;
    snprintf(path, sizeof path, "proc/%s/cmdline", pid);
    if (tick_read_once(t, path, &text, NULL))
        return;
    for (size_t i = 0; i < COUNT(java); i++)
        if (memmem(text.at, text.len, java[i].text, strlen(java[i].text)))
            s->java_count[i]++;
}

static bool is_name(struct span comm, const char *name)
{
    return span_eq(comm, span_from(name, MIN(strlen(name), (size_t)15)));
}

static void look_at(struct tick *t, const char *pid, struct products_state *s)
{
    char path[64];
    struct span comm;
    snprintf(path, sizeof path, "proc/%s/comm", pid);
    if (tick_read_once(t, path, &comm, NULL))
        return;
    comm = span_trim(comm);
    if (span_is(comm, "java")) {
        look_at_java(t, pid, s);
        return;
    }
    for (size_t i = 0; i < COUNT(names); i++)
        s->count[i] += is_name(comm, names[i]);
}

static enum status products_collect(struct tick *t, void *state, struct err *err)
{
    struct products_state *s = state;
    *s = (struct products_state){0};
    int fd = openat(t->c->root_fd, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir)
        return err_errno(err, "read proc");
    for (struct dirent *e; (e = readdir(dir));) {
        uint64_t pid;
        if (span_u64(span_of(e->d_name), &pid))
            look_at(t, e->d_name, s);
    }
    closedir(dir);
    for (size_t i = 0; i < COUNT(names); i++)
        if (s->count[i])
            emit1(t, &products_metrics[0], span_of(names[i]), (double)s->count[i]);
    for (size_t i = 0; i < COUNT(java); i++)
        if (s->java_count[i])
            emit1(t, &products_metrics[0], span_of(java[i].name), (double)s->java_count[i]);
    return OK;
}

const struct collector products_collector = {COLLECTOR_OF(products, struct products_state),
                                             .every_s = 60, .optional = true};
