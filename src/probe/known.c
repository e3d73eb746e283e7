/* The services that are known without configuration, under the names that distributions give
 * them. Their checks are guesses: only at the usual place, and a refusal there says nothing. */
#include "probe/probe.h"

#define EVERY .every_ms = PROBE_EVERY_MS, .timeout_ms = PROBE_TIMEOUT_MS
#define TCP(place)                                                                                 \
    {                                                                                              \
        .kind = CHECK_TCP, .name = "tcp", .target = (place), .guess = true                         \
    }
#define UNIX(place)                                                                                \
    {                                                                                              \
        .kind = CHECK_UNIX, .name = "unix", .target = (place), .guess = true                       \
    }
#define HTTP(place)                                                                                \
    {                                                                                              \
        .kind = CHECK_HTTP, .name = "http", .target = (place), .guess = true                       \
    }

static const struct service_config known[] = {
    {.name = "nginx",
     EVERY,
     .units = {"nginx.service", "openresty.service"},
     .inits = {"nginx"},
     .processes = {"nginx", "openresty"},
     .checks = {HTTP("http://127.0.0.1/")},
     .n_checks = 1},
    {.name = "apache",
     EVERY,
     .units = {"apache2.service", "httpd.service"},
     .inits = {"apache2", "httpd"},
     .processes = {"apache2", "httpd"},
     .checks = {HTTP("http://127.0.0.1/")},
     .n_checks = 1},
    {.name = "mysql",
     EVERY,
     .units = {"mysql.service", "mariadb.service", "mysqld.service", "mysqld@*.service",
               "mariadb@*.service"},
     .inits = {"mysql", "mysqld", "mariadb"},
     .processes = {"mysqld", "mariadbd"},
     .checks = {TCP("127.0.0.1:3306"), UNIX("/run/mysqld/mysqld.sock")},
     .n_checks = 2},
    /* Debian's postgresql.service starts the others and is done. */
    {.name = "postgresql",
     EVERY,
     .units = {"postgresql@*.service", "postgresql-*.service", "postgresql.service"},
     .inits = {"postgresql"},
     .processes = {"postgres", "postmaster"},
     .checks = {TCP("127.0.0.1:5432"), UNIX("/run/postgresql/.s.PGSQL.5432")},
     .n_checks = 2},
    {.name = "mongodb",
     EVERY,
     .units = {"mongod.service", "mongodb.service", "mongos.service"},
     .inits = {"mongod", "mongodb"},
     .processes = {"mongod", "mongos"},
     .checks = {TCP("127.0.0.1:27017")},
     .n_checks = 1},
    {.name = "redis",
     EVERY,
     .units = {"redis-server.service", "redis.service", "redis-server@*.service", "redis@*.service",
               "valkey.service", "valkey-server.service"},
     .inits = {"redis-server", "redis"},
     .processes = {"redis-server*", "valkey-server*"},
     .checks = {TCP("127.0.0.1:6379")},
     .n_checks = 1},
    /* Java's process is called java: only its unit or its port tells. */
    {.name = "elasticsearch",
     EVERY,
     .units = {"elasticsearch.service", "opensearch.service"},
     .inits = {"elasticsearch", "opensearch"},
     .checks = {HTTP("http://127.0.0.1:9200/")},
     .n_checks = 1},
    {.name = "php-fpm",
     EVERY,
     .units = {"php*-fpm.service"},
     .inits = {"php*-fpm"},
     .processes = {"php-fpm*"}},
    {.name = "nodejs",
     EVERY,
     .units = {"node.service", "nodejs.service"},
     .processes = {"node", "nodejs"}},
    {.name = "docker",
     EVERY,
     .units = {"docker.service"},
     .inits = {"docker"},
     .processes = {"dockerd"},
     .checks = {UNIX("/run/docker.sock")},
     .n_checks = 1},
    {.name = "ssh",
     EVERY,
     .units = {"ssh.service", "sshd.service"},
     .inits = {"ssh", "sshd"},
     .processes = {"sshd"},
     .checks = {TCP("127.0.0.1:22")},
     .n_checks = 1},
};

const struct service_config *services_known(size_t *n)
{
    *n = COUNT(known);
    return known;
}
