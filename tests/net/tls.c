/* TLS on both sides: who is believed, what is said when somebody is not, new certificates. */
#include "certificates.h"
#include "rig.h"

#include "base/clock.h"

#include "net/server_state.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct authority authority;
static char cert[128], key[128];

static int make_authority(void **state UNUSED)
{
    authority_open(&authority);
    authority_issue(&authority, "server", "DNS:localhost,IP:127.0.0.1", -60, 3600, cert, key);
    return 0;
}

static int remove_authority(void **state UNUSED)
{
    authority_close(&authority);
    return 0;
}

static void open_tls(struct rig *rig, const char *url, const char *ca_file)
{
    struct http_server_config server = {.tls_cert = cert, .tls_key = key};
    rig_open(rig, &server);
    char text[128];
    snprintf(text, sizeof text, url ? url : "https://127.0.0.1:%u", http_server_port(rig->server));
    struct http_client_config client = {.url = text, .ca_file = ca_file};
    assert_ok(http_client_open(rig->loop, &client, &rig->client, err));
}

static void tells_if_tls(struct http_request *req, void *arg UNUSED)
{
    http_reply(req, http_request_tls(req) ? 200 : 500, NULL, SPAN(""));
}

static void speaks_tls(void **state UNUSED)
{
    struct rig rig = {0};
    open_tls(&rig, NULL, authority.ca_file);
    for (int i = 0; i < 3; i++) {
        rig_send(&rig, "POST", "/echo", SPAN("hello"));
        assert_string_equal(rig.error, "");
        assert_memory_equal(rig.body, "hello", 5);
        int64_t left_s = rig.certificate_expires_s - clock_wall_ms() / 1000;
        assert_in_range(left_s, 3600 - 600, 3600);
        assert_int_equal(rig.certificate_expires_s, http_server_certificate_expires_s(rig.server));
    }
    rig.handler = tells_if_tls;
    rig_send(&rig, "GET", "/", SPAN(""));
    assert_int_equal(rig.status, 200);
    assert_int_equal(rig.server->n_connections, 1);
    assert_true(SSL_version(rig.server->connections->wire.ssl) >= TLS1_2_VERSION);
    rig_close(&rig);
}

static void believes_names_and_addresses(void **state UNUSED)
{
    struct rig rig = {0};
    open_tls(&rig, "https://localhost:%u", authority.ca_file);
    rig_send(&rig, "GET", "/peer", SPAN(""));
    assert_string_equal(rig.error, "");
    rig_close(&rig);
}

/* n files with names of hashes, the authority's own the last when it is among them. */
static void hashed_roots(const char *folder, size_t n, bool with_ours)
{
    char path[128];
    for (size_t i = 0; i + with_ours < n; i++) {
        snprintf(path, sizeof path, "%s/%08zx.0", folder, i);
        fclose(fopen(path, "w"));
    }
    snprintf(path, sizeof path, "%s/%08lx.0", folder,
             X509_subject_name_hash(authority.certificate));
    if (with_ours)
        assert_int_equal(symlink(authority.ca_file, path), 0);
}

static void believes_the_systems_roots(void **state UNUSED)
{
    static const struct {
        size_t n;        /* in the folder */
        bool ours, file; /* our authority among them; named as a file */
        bool believed;
    } cases[] = {
        {TLS_HASHED_ROOTS_LEAST, true, false, true},
        {TLS_HASHED_ROOTS_LEAST, false, false, false},
        {TLS_HASHED_ROOTS_LEAST - 1, true, false, true},
        {TLS_HASHED_ROOTS_LEAST - 1, false, false, false},
        {TLS_HASHED_ROOTS_LEAST, false, true, true},
        {0, false, true, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char folder[] = "/tmp/galen-roots-XXXXXX";
        assert_non_null(mkdtemp(folder));
        hashed_roots(folder, cases[i].n, cases[i].ours);
        setenv("SSL_CERT_DIR", folder, 1);
        if (cases[i].file)
            setenv("SSL_CERT_FILE", authority.ca_file, 1);
        struct rig rig = {0};
        open_tls(&rig, NULL, NULL);
        rig_send(&rig, "GET", "/peer", SPAN(""));
        if (cases[i].believed != !rig.error[0])
            fail_msg("case %zu: \"%s\"", i, rig.error);
        rig_close(&rig);
        unsetenv("SSL_CERT_DIR");
        unsetenv("SSL_CERT_FILE");
        remove_files(folder);
    }
}

static void large_bodies_both_ways(void **state UNUSED)
{
    struct rig rig = {0};
    open_tls(&rig, NULL, authority.ca_file);
    auto_buf body = {0};
    buf_fill(&body, 'x', 7 << 20);
    rig_send(&rig, "POST", "/echo", buf_view(&body));
    assert_string_equal(rig.error, "");
    assert_int_equal(rig.body_len, 7 << 20);
    rig_close(&rig);
}

static void is_not_fooled(void **state UNUSED)
{
    struct authority other;
    authority_open(&other);
    static const struct {
        const char *names;
        long from_s, to_s;
        bool other_ca;
        const char *says;
    } cases[] = {
        {"IP:127.0.0.1", -60, 3600, true, "issuer"},
        {"IP:127.0.0.2", -60, 3600, false, "IP address mismatch"},
        {"DNS:127.0.0.1", -60, 3600, false, "IP address mismatch"},
        {"IP:127.0.0.1", -3600, -60, false, "certificate has expired (check this machine's clock)"},
        {"IP:127.0.0.1", 60, 3600, false, "not yet valid (check this machine's clock)"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char c[128], k[128];
        authority_issue(&authority, "bad", cases[i].names, cases[i].from_s, cases[i].to_s, c, k);
        struct http_server_config server = {.tls_cert = c, .tls_key = k};
        struct http_client_config client = {.ca_file = cases[i].other_ca ? other.ca_file
                                                                         : authority.ca_file};
        struct rig rig = {0};
        rig_open_client(&rig, &server, &client);
        rig_send(&rig, "GET", "/peer", SPAN(""));
        char start[64];
        snprintf(start, sizeof start, "tls %.40s: ", rig.url + 8);
        if (!strstr(rig.error, cases[i].says) || !span_starts(span_of(rig.error), span_of(start)))
            fail_msg("\"%s\" does not say \"%s\"", rig.error, cases[i].says);
        assert_int_equal(rig.requests, 0);
        rig_close(&rig);
    }
    authority_close(&other);
}

static void wrong_name(void **state UNUSED)
{
    char c[128], k[128];
    authority_issue(&authority, "named", "DNS:example.org", -60, 3600, c, k);
    struct http_server_config server = {.tls_cert = c, .tls_key = k};
    struct rig rig = {0};
    rig_open(&rig, &server);
    char url[64];
    snprintf(url, sizeof url, "https://localhost:%u", http_server_port(rig.server));
    struct http_client_config client = {.url = url, .ca_file = authority.ca_file};
    assert_ok(http_client_open(rig.loop, &client, &rig.client, err));
    rig_send(&rig, "GET", "/peer", SPAN(""));
    assert_non_null(strstr(rig.error, "hostname mismatch"));
    rig_close(&rig);
}

static void plain_and_tls_do_not_mix(void **state UNUSED)
{
    struct http_server_config server = {.tls_cert = cert, .tls_key = key};
    struct rig tls = {0}, plain = {0};
    rig_open(&tls, &server);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", http_server_port(tls.server));
    struct http_client_config client = {.url = url};
    assert_ok(http_client_open(tls.loop, &client, &tls.client, err));
    rig_send(&tls, "GET", "/peer", SPAN(""));
    assert_non_null(strstr(tls.error, "before an answer"));
    rig_close(&tls);

    rig_open(&plain, NULL);
    snprintf(url, sizeof url, "https://127.0.0.1:%u", http_server_port(plain.server));
    client = (struct http_client_config){.url = url, .ca_file = authority.ca_file};
    assert_ok(http_client_open(plain.loop, &client, &plain.client, err));
    rig_send(&plain, "GET", "/peer", SPAN(""));
    assert_non_null(strstr(plain.error, "does not speak TLS"));
    rig_close(&plain);
}

static void resumes_sessions(void **state UNUSED)
{
    struct http_server_config server = {.tls_cert = cert, .tls_key = key, .idle_ms = 60};
    struct http_client_config client = {.ca_file = authority.ca_file};
    struct rig rig = {0};
    rig_open_client(&rig, &server, &client);
    rig_send(&rig, "GET", "/peer", SPAN(""));
    assert_false(SSL_session_reused(rig.server->connections->wire.ssl));
    rig_run_ms(&rig, 200); /* the server closes the idle connection */
    assert_int_equal(rig.server->n_connections, 0);
    rig_send(&rig, "POST", "/echo", SPAN("x"));
    assert_string_equal(rig.error, "");
    assert_true(SSL_session_reused(rig.server->connections->wire.ssl));
    rig_close(&rig);
}

static long serial_of(struct rig *rig)
{
    rig_send(rig, "GET", "/peer", SPAN(""));
    assert_string_equal(rig->error, "");
    SSL *ssl = rig->server->connections->wire.ssl;
    return ASN1_INTEGER_get(X509_get0_serialNumber(SSL_get_certificate(ssl)));
}

static void takes_new_certificates(void **state UNUSED)
{
    char c[128], k[128];
    authority_issue(&authority, "changing", "IP:127.0.0.1", -60, 3600, c, k);
    struct http_server_config server = {.tls_cert = c, .tls_key = k};
    struct http_client_config client = {.ca_file = authority.ca_file};
    struct rig rig = {0};
    rig_open_client(&rig, &server, &client);
    long first = serial_of(&rig);
    authority_issue(&authority, "changing", "IP:127.0.0.1", -60, 3600, c, k);
    assert_ok(http_server_reload_tls(rig.server, err));
    assert_int_equal(serial_of(&rig), first); /* an open connection goes on */
    http_client_close(rig.client);
    client.url = rig.url;
    assert_ok(http_client_open(rig.loop, &client, &rig.client, err));
    rig_run_ms(&rig, 20);
    assert_int_equal(serial_of(&rig), first + 1);

    FILE *f = fopen(c, "w");
    fputs("no certificate", f);
    fclose(f);
    assert_fails(http_server_reload_tls(rig.server, err), INVALID, c);
    http_client_close(rig.client);
    assert_ok(http_client_open(rig.loop, &client, &rig.client, err));
    rig_run_ms(&rig, 20);
    assert_int_equal(serial_of(&rig), first + 1);
    rig_close(&rig);
}

static void refuses_bad_files(void **state UNUSED)
{
    char c[128], k[128];
    authority_issue(&authority, "other", "IP:127.0.0.1", -60, 3600, c, k);
    const struct {
        const char *cert, *key, *says;
    } cases[] = {
        {"/nonexistent.crt", key, "certificate file /nonexistent.crt: No such file"},
        {cert, "/nonexistent.key", "key file /nonexistent.key: No such file"},
        {key, key, "certificate file"},
        {cert, cert, "key file"},
        {cert, k, "key"},
        {cert, NULL, "both a certificate file and a key file"},
    };
    struct rig rig = {0};
    rig_open(&rig, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_server_config config = {
            .listen = "127.0.0.1:0", .tls_cert = cases[i].cert, .tls_key = cases[i].key};
        struct http_server *s;
        assert_fails(http_server_open(rig.loop, &config, &s, err), INVALID, cases[i].says);
    }
    struct http_client_config client = {.url = "https://a", .ca_file = "/nonexistent.pem"};
    struct http_client *cl;
    assert_fails(http_client_open(rig.loop, &client, &cl, err), INVALID, "/nonexistent.pem");
    assert_fails(http_server_reload_tls(rig.server, err), INVALID, "no TLS");
    rig_close(&rig);
}

/* Old versions are not spoken. */
static void refuses_old_versions(void **state UNUSED)
{
    struct rig rig = {0};
    open_tls(&rig, NULL, authority.ca_file);
    SSL_CTX *old = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_cipher_list(old, "ALL:@SECLEVEL=0");
    SSL_CTX_set_max_proto_version(old, TLS1_1_VERSION);
    SSL *ssl = SSL_new(old);
    BIO *to = BIO_new(BIO_s_mem()), *from = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, from, to);
    SSL_set_connect_state(ssl);
    SSL_do_handshake(ssl);
    char *hello;
    long n = BIO_get_mem_data(to, &hello);
    assert_true(n > 0);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, span_from(hello, (size_t)n));
    struct span alert = raw_rest(r);
    assert_true(alert.len >= 7 && alert.at[0] == 0x15 && alert.at[6] == 70); /* protocol_version */
    raw_close(r);
    SSL_free(ssl);
    SSL_CTX_free(old);
    rig_close(&rig);
}

/* A peer that opens a connection and never shakes hands has the time of a head. */
static void handshakes_have_a_deadline(void **state UNUSED)
{
    struct http_server_config config = {.tls_cert = cert, .tls_key = key, .head_deadline_ms = 80};
    struct rig rig = {0};
    rig_open(&rig, &config);
    struct raw *r = raw_open(&rig, NULL);
    raw_send(r, SPAN("\x16\x03\x01"));
    assert_int_equal(raw_rest(r).len, 0);
    raw_close(r);
    rig_close(&rig);
}

static unsigned piece_n;

static void next_piece(struct http_request *req, void *arg UNUSED)
{
    static char piece[50000];
    if (piece_n++ == 100) {
        http_stream_end(req);
        return;
    }
    memset(piece, 'x', sizeof piece);
    http_stream_write(req, span_from(piece, sizeof piece));
}

static void streams(struct http_request *req, void *arg UNUSED)
{
    http_stream_start(req, 200, "text/plain", next_piece, NULL);
}

static void streams_over_tls(void **state UNUSED)
{
    piece_n = 0;
    struct rig rig = {.handler = streams};
    open_tls(&rig, NULL, authority.ca_file);
    rig_send(&rig, "GET", "/", SPAN(""));
    assert_string_equal(rig.error, "");
    assert_int_equal(rig.body_len, 5000000);
    rig_close(&rig);
}

const struct CMUnitTest tls_tests[] = {
    cmocka_unit_test(speaks_tls),
    cmocka_unit_test(believes_names_and_addresses),
    cmocka_unit_test(believes_the_systems_roots),
    cmocka_unit_test(large_bodies_both_ways),
    cmocka_unit_test(is_not_fooled),
    cmocka_unit_test(wrong_name),
    cmocka_unit_test(plain_and_tls_do_not_mix),
    cmocka_unit_test(resumes_sessions),
    cmocka_unit_test(takes_new_certificates),
    cmocka_unit_test(refuses_bad_files),
    cmocka_unit_test(refuses_old_versions),
    cmocka_unit_test(handshakes_have_a_deadline),
    cmocka_unit_test(streams_over_tls),
};
const size_t tls_tests_n = COUNT(tls_tests);

int run_tls_tests(void);

int run_tls_tests(void)
{
    return _cmocka_run_group_tests("tls", tls_tests, tls_tests_n, make_authority, remove_authority);
}
