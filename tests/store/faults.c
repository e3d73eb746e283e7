/* What must not happen to data that was acknowledged: disks that fail at any change, power cuts
 * at any moment, tails that were torn, bits that were flipped, a process that was killed. */
#include "fault_disk.h"
#include "fixture.h"

#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HOSTS = 2, PER_HOST = 5, TICKS = 40 };
enum { KILLS = 20, KILLS_SOAK = 200, CUTS = 2, CUTS_SOAK = 50 };

static const char *name_of(int host, int i, char text[64])
{
    snprintf(text, 64, "m%d{instance=\"h%d\"}", i, host);
    return text;
}

/* A value that says where it belongs. */
static double value_of(int host, int i, int tick)
{
    return i == 0 ? host : host * 1000 + i * 100 + tick / (i == 1 ? 7 : 1) + (i == 2 ? 0.125 : 0);
}

static void tick_message(struct buf *out, int host, int tick)
{
    char name[64];
    for (int i = 0; i < PER_HOST; i++) {
        struct sample s = {NOON + tick * 1000, value_of(host, i, tick)};
        message_add(out, name_of(host, i, name), &s, 1);
    }
}

/* Every tick that was acknowledged is there, complete and once; others may be, whole samples
 * only. */
static void check_ticks(struct fixture *f, const bool acked[HOSTS][TICKS])
{
    char name[64];
    for (int host = 0; host < HOSTS; host++)
        for (int i = 0; i < PER_HOST; i++) {
            auto_arena a = {0};
            struct selected s = fixture_read(f, &a, name_of(host, i, name), INT64_MIN, INT64_MAX);
            size_t at = 0;
            for (int tick = 0; tick < TICKS; tick++) {
                bool there = at < s.n && s.t_ms[at] == NOON + tick * 1000;
                if (acked[host][tick] && !there)
                    fail_msg("%s: tick %d was acknowledged and is lost", name, tick);
                if (there && double_bits(s.v[at]) != double_bits(value_of(host, i, tick)))
                    fail_msg("%s: tick %d has the value %a", name, tick, s.v[at]);
                at += there;
            }
            if (at != s.n)
                fail_msg("%s: %zu samples that nobody sent", name, s.n - at);
        }
}

/* Ticks with a flush, a late one and a compaction between; notes what was acknowledged. Calls
 * between (may be NULL) after each. */
static void run_ticks(struct fixture *f, bool acked[HOSTS][TICKS],
                      void (*between)(void *arg, int tick), void *arg)
{
    struct append_result r;
    struct err err;
    for (int tick = 0; tick < TICKS; tick++) {
        for (int host = 0; host < HOSTS; host++) {
            int own = tick == 20 ? 21 : tick == 21 ? 20 : tick; /* one comes late */
            auto_buf message = {0};
            tick_message(&message, host, own);
            if (!store_append_wait(f->writer, buf_view(&message), &r, &err) && !r.refused)
                acked[host][own] = true;
        }
        if (tick % 10 == 9)
            (void)!store_maintain(f->store, &err);
        if (tick == 34)
            (void)!store_compact(f->store, &err);
        if (between)
            between(arg, tick);
    }
}

/* ---- every change fails once ---- */

static void one_failure(struct fixture *f, struct failing_disk *disk, long at, long failures,
                        int error)
{
    bool acked[HOSTS][TICKS] = {{false}};
    struct err refused;
    failing_disk_init(disk);
    disk->fail_at = at;
    disk->failures = failures;
    disk->error = error;
    fixture_init(f);
    f->tuning.disk = &disk->disk;
    f->tuning.segment_bytes = 4096;
    f->tuning.flush_samples = 60;
    f->tuning.flush_per_series = 1;
    f->tuning.compact_blocks = 2;
    if (store_open_tuned(&f->config, &f->tuning, &f->store, &refused)) {
        assert_true(strlen(refused.text) > 10); /* says which file */
        disk->fail_at = 0;
        assert_ok(store_open_tuned(&f->config, &f->tuning, &f->store, err));
    }
    f->writer = store_writer_open(f->store);
    run_ticks(f, acked, NULL, NULL);
    check_ticks(f, acked);
    if (at % 2)
        fixture_crash(f);
    else
        fixture_close(f);
    disk->fail_at = 0;
    fixture_open(f);
    check_ticks(f, acked);
    /* and it works again */
    fixture_now = NOON + 3600 * 1000;
    fixture_put(f, "again{instance=\"h\"}", NOON + TICKS * 1000, 1);
    assert_ok(store_compact(f->store, err));
    check_ticks(f, acked);
    fixture_free(f);
}

static void every_change_fails(void **state)
{
    (void)state;
    struct fixture f;
    static struct failing_disk disk;
    one_failure(&f, &disk, 0, 0, 0);
    long changes = disk.changes, step = fixture_soak() ? 1 : 7;
    assert_true(changes > 100);
    for (long at = 1; at <= changes; at += step) {
        one_failure(&f, &disk, at, 1, at % 3 ? ENOSPC : EIO);
        one_failure(&f, &disk, at, 3, ENOSPC);
    }
}

static void unwritable_for_a_while(int error, enum status status, const char *says)
{
    struct fixture f;
    static struct failing_disk disk;
    bool acked[HOSTS][TICKS] = {{false}};
    struct append_result r;
    failing_disk_init(&disk);
    fixture_init(&f);
    f.tuning.disk = &disk.disk;
    fixture_open(&f);
    auto_buf message = {0};
    tick_message(&message, 0, 0);
    assert_ok(store_append_wait(f.writer, buf_view(&message), &r, err));
    disk.fail_at = disk.changes + 1;
    disk.failures = 1000000;
    disk.error = error;
    buf_clear(&message);
    tick_message(&message, 0, 1);
    assert_fails(store_append_wait(f.writer, buf_view(&message), &r, err), status, says);
    assert_fails(store_takes(f.store, err), status, says);
    /* and the next is refused at once, with the reason */
    assert_fails(store_append_wait(f.writer, buf_view(&message), &r, err), status, says);
    acked[0][0] = true;
    check_ticks(&f, acked); /* queries are served */
    disk.fail_at = 0;
    enum status st = FULL;
    for (int i = 0; st && i < 100; i++) { /* by itself, within the retry time */
        struct err refused;
        usleep(20000);
        st = store_append_wait(f.writer, buf_view(&message), &r, &refused);
    }
    assert_int_equal(st, OK);
    assert_ok(store_takes(f.store, err));
    assert_int_equal(r.duplicates + r.samples, PER_HOST);
    acked[0][0] = acked[0][1] = true;
    fixture_crash(&f);
    fixture_open(&f);
    check_ticks(&f, acked);
    fixture_free(&f);
}

/* Nothing is taken, and the sender is told to come again: never that it is not allowed to. */
static void unwritable_disks(void **state)
{
    (void)state;
    unwritable_for_a_while(ENOSPC, FULL, "No space");
    unwritable_for_a_while(EDQUOT, FULL, "quota");
    unwritable_for_a_while(EROFS, AGAIN, "Read-only");
    unwritable_for_a_while(EACCES, AGAIN, "denied");
    unwritable_for_a_while(EIO, AGAIN, "Input/output");
}

/* ---- power cuts ---- */

struct cutting {
    struct forgetful_disk *disk;
    bool (*noted)[TICKS];
    uint64_t seed;
};

static void cut_and_look(void *arg, int tick)
{
    struct cutting *c = arg;
    for (int torn = 0; torn < 3; torn++) {
        struct fixture after;
        fixture_init(&after);
        forgetful_cut(c->disk, after.dir, torn > 0, c->seed * 1000 + (uint64_t)(tick * 4 + torn));
        fixture_open(&after);
        check_ticks(&after, (const bool(*)[TICKS])c->noted);
        fixture_free(&after);
    }
}

static void power_cuts(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= (fixture_soak() ? CUTS_SOAK : CUTS); seed++) {
        struct fixture f;
        bool acked[HOSTS][TICKS] = {{false}};
        fixture_init(&f);
        struct forgetful_disk *disk = forgetful_open(f.dir);
        struct cutting c = {.disk = disk, .noted = acked, .seed = seed};
        f.tuning.disk = forgetful_face(disk);
        f.tuning.segment_bytes = 4096;
        f.tuning.flush_samples = 60;
        f.tuning.flush_per_series = 1;
        f.tuning.compact_blocks = 2;
        fixture_open(&f);
        run_ticks(&f, acked, cut_and_look, &c);
        fixture_close(&f);
        cut_and_look(&c, TICKS);
        remove_tree(f.dir);
        /* the face stays registered with SQLite: the disk stays too */
    }
}

/* ---- damage ---- */

static void put_file(const char *path, struct span content)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(content.at, 1, content.len, file), content.len);
    assert_int_equal(fclose(file), 0);
}

static void copy_tree(const char *from, const char *to)
{
    static const char *const parts[] = {"", "/log", "/blocks"};
    for (size_t i = 0; i < COUNT(parts); i++) {
        char source[512], target[512];
        snprintf(source, sizeof source, "%s%s", from, parts[i]);
        snprintf(target, sizeof target, "%s%s", to, parts[i]);
        mkdir(target, 0700);
        DIR *dir = opendir(source);
        assert_non_null(dir);
        for (struct dirent *e; (e = readdir(dir));) {
            char one[1024], other[1024];
            auto_buf content = {0};
            if (e->d_type != DT_REG)
                continue;
            snprintf(one, sizeof one, "%s/%s", source, e->d_name);
            snprintf(other, sizeof other, "%s/%s", target, e->d_name);
            assert_ok(file_read(one, &content, err));
            put_file(other, buf_view(&content));
        }
        closedir(dir);
    }
}

/* The only file in dir whose name begins so. */
static void find_file(const char *dir, const char *start, char path[1024])
{
    DIR *d = opendir(dir);
    assert_non_null(d);
    path[0] = 0;
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.' && !strncmp(e->d_name, start, strlen(start)))
            snprintf(path, 1024, "%s/%s", dir, e->d_name);
    closedir(d);
    assert_true(path[0]);
}

/* Six ticks of one host, left in the log or put into a block. */
static void make_ticks(struct fixture *f, bool acked[HOSTS][TICKS], bool block)
{
    fixture_init(f);
    f->tuning.segment_bytes = 4096;
    fixture_open(f);
    for (int tick = 0; tick < 6; tick++) {
        struct append_result r;
        auto_buf message = {0};
        tick_message(&message, 0, tick);
        assert_ok(store_append_wait(f->writer, buf_view(&message), &r, err));
        acked[0][tick] = true;
    }
    if (block)
        fixture_close(f);
    else
        fixture_crash(f);
}

/* What is read may be less, never something else; the store opens and takes more. */
static void check_damaged(struct fixture *f)
{
    bool none[HOSTS][TICKS] = {{false}};
    fixture_open(f);
    check_ticks(f, (const bool(*)[TICKS])none);
    fixture_put(f, "more{instance=\"h0\"}", NOON + TICKS * 1000, 1);
    fixture_crash(f);
    fixture_open(f);
    check_ticks(f, (const bool(*)[TICKS])none);
}

static void torn_log(void **state)
{
    (void)state;
    struct fixture f, cut;
    bool acked[HOSTS][TICKS] = {{false}};
    char path[1024], target[1024];
    make_ticks(&f, acked, false);
    snprintf(target, sizeof target, "%s/log", f.dir);
    find_file(target, "0000", path);
    auto_buf content = {0};
    assert_ok(file_read(path, &content, err));
    size_t end = content.len;
    while (end && !content.at[end - 1])
        end--;
    size_t before = TICKS;
    for (size_t at = end + 32; at-- > 0;) { /* cut: nothing, or zeros, from there on */
        fixture_init(&cut);
        cut.tuning = f.tuning;
        copy_tree(f.dir, cut.dir);
        snprintf(target, sizeof target, "%s/log%s", cut.dir, strrchr(path, '/'));
        if (at % 2) {
            assert_int_equal(truncate(target, (off_t)at), 0);
        } else {
            auto_buf zeros = {0};
            buf_put(&zeros, content.at, at);
            buf_fill(&zeros, 0, content.len - at);
            put_file(target, buf_view(&zeros));
        }
        fixture_open(&cut);
        auto_arena a = {0};
        size_t n = fixture_read(&cut, &a, "m3{instance=\"h0\"}", INT64_MIN, INT64_MAX).n;
        if (n > before)
            fail_msg("a log cut at %zu has more than one cut behind", at);
        before = n;
        struct store_stats stats;
        store_stats(cut.store, &stats);
        assert_int_equal(stats.damaged, 0);
        fixture_crash(&cut);
        check_damaged(&cut);
        fixture_free(&cut);
    }
    assert_int_equal(before, 0);
    fixture_free(&f);
}

/* Flips bits of this part of a file, one in each copy of the store. */
static void flip_everywhere(const char *folder, const char *start, bool block, size_t step)
{
    struct fixture f, flipped;
    bool acked[HOSTS][TICKS] = {{false}};
    char path[1024], target[1024];
    make_ticks(&f, acked, block);
    snprintf(target, sizeof target, "%s/%s", f.dir, folder);
    find_file(target, start, path);
    auto_buf content = {0};
    assert_ok(file_read(path, &content, err));
    size_t end = content.len;
    while (end && !content.at[end - 1])
        end--;
    size_t first = end * 8 * fixture_part.number / fixture_part.of;
    size_t last = end * 8 * (fixture_part.number + 1) / fixture_part.of;
    printf("# every %zu. bit of %zu to %zu, of %zu in %s/%s*\n", step, first, last, end * 8, folder,
           start);
    for (size_t bit = first; bit < last; bit += step) {
        fixture_init(&flipped);
        flipped.tuning = f.tuning;
        copy_tree(f.dir, flipped.dir);
        snprintf(target, sizeof target, "%s/%s%s", flipped.dir, folder, strrchr(path, '/'));
        content.at[bit / 8] ^= (char)(1 << bit % 8);
        put_file(target, buf_view(&content));
        content.at[bit / 8] ^= (char)(1 << bit % 8);
        check_damaged(&flipped);
        fixture_free(&flipped);
    }
    fixture_free(&f);
}

static void flipped_bits_log(void **state)
{
    (void)state;
    flip_everywhere("log", "0000", false, fixture_soak() ? 1 : 67);
}

static void flipped_bits_series(void **state)
{
    (void)state;
    flip_everywhere("log", "series", false, fixture_soak() ? 1 : 67);
}

static void flipped_bits_block(void **state)
{
    (void)state;
    flip_everywhere("blocks", "2026", true, fixture_soak() ? 1 : 509);
}

/* A damaged record costs its own samples, and those of its host until the next key. */
static void damage_is_named(void **state)
{
    (void)state;
    struct fixture f;
    bool acked[HOSTS][TICKS] = {{false}};
    char path[1024], dir[1024];
    make_ticks(&f, acked, false);
    snprintf(dir, sizeof dir, "%s/log", f.dir);
    find_file(dir, "0000", path);
    auto_buf content = {0};
    assert_ok(file_read(path, &content, err));
    content.at[FRAME_FILE_HEAD_BYTES + FRAME_HEAD_BYTES + 3] ^= 4; /* in the first record */
    put_file(path, buf_view(&content));
    fixture_open(&f);
    struct store_stats stats;
    store_stats(f.store, &stats);
    assert_int_equal(stats.damaged, 1);
    assert_int_equal(stats.lost_records, 1);
    fixture_free(&f);
}

/* ---- kill -9 ---- */

/* In the child: two writers' worth of ticks as fast as they are acknowledged; each
 * acknowledgement is told through the pipe. */
static void child_load(struct fixture *f, int out, int from)
{
    struct store *s;
    struct err err;
    f->tuning.no_thread = false;
    if (store_open_tuned(&f->config, &f->tuning, &s, &err))
        _exit(3);
    struct store_writer *w = store_writer_open(s);
    for (int tick = from; tick < from + 100000; tick++) {
        auto_buf message = {0};
        struct append_result r;
        for (int i = 0; i < PER_HOST; i++) {
            char name[64];
            struct sample sample = {NOON + tick, value_of(0, i, tick)};
            message_add(&message, name_of(0, i, name), &sample, 1);
        }
        enum status st;
        while ((st = store_append_wait(w, buf_view(&message), &r, &err)) == AGAIN)
            usleep(100); /* a flush is behind */
        if (st || r.samples != PER_HOST)
            _exit(4);
        if (write(out, &tick, sizeof tick) != sizeof tick)
            _exit(5);
    }
    _exit(6);
}

static int run_and_kill(struct fixture *f, int from, unsigned after_us)
{
    int ends[2], last = from - 1, tick, status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        child_load(f, ends[1], from);
    }
    close(ends[1]);
    usleep(after_us);
    kill(child, SIGKILL);
    while (read(ends[0], &tick, sizeof tick) == sizeof tick)
        last = tick;
    close(ends[0]);
    waitpid(child, &status, 0);
    if (WIFEXITED(status))
        fail_msg("the child ended by itself with %d", WEXITSTATUS(status));
    return last;
}

static void killed_under_load(void **state)
{
    (void)state;
    struct fixture f;
    struct dice d = dice_of(99);
    int next = 0;
    fixture_init(&f);
    f.tuning.flush_samples = 2000;
    f.tuning.flush_per_series = 1;
    uint64_t kills = fixture_soak() ? KILLS_SOAK : KILLS;
    for (uint64_t round = 0; round < kills; round++) {
        fixture_now = NOON + next;
        int last = run_and_kill(&f, next, 2000 + (unsigned)roll_below(&d, 40000));
        fixture_now = NOON + last + 100000;
        f.tuning.no_thread = true;
        fixture_open(&f);
        int end = last;
        for (int i = 0; i < PER_HOST; i++) {
            auto_arena a = {0};
            char name[64];
            struct selected s = fixture_read(&f, &a, name_of(0, i, name), INT64_MIN, INT64_MAX);
            if ((int)s.n < last + 1)
                fail_msg("kill %d: %d were acknowledged, %zu are there", (int)round, last + 1, s.n);
            for (int tick = 0; tick < (int)s.n; tick++)
                if (s.t_ms[tick] != NOON + tick || s.v[tick] != value_of(0, i, tick))
                    fail_msg("kill %d: %s differs at %d", (int)round, name, tick);
            end = MAX(end, (int)s.n - 1);
        }
        next = end + 1;
        if (round % 4 == 3)
            fixture_close(&f);
        else
            fixture_crash(&f);
    }
    fixture_free(&f);
}

/* ---- how far it is ---- */

static void progress_is_told(void **state)
{
    (void)state;
    struct fixture f;
    bool acked[HOSTS][TICKS] = {{false}};
    char said[4096];
    make_ticks(&f, acked, false);
    f.tuning.progress_ms = -1;
    FILE *file = tmpfile();
    assert_non_null(file);
    int before = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    log_setup("test_store", LOG_INFO, false);
    fixture_open(&f);
    log_setup("test_store", LOG_ERROR, false);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    said[fread(said, 1, sizeof said - 1, file)] = 0;
    fclose(file);
    assert_non_null(strstr(said, "reading the log: 100 %"));
    assert_non_null(strstr(said, "samples_in_log=30"));
    fixture_free(&f);
}

/* ---- directories ---- */

static void unusable_directories(void **state)
{
    (void)state;
    struct store *s;
    struct store_config c = {.dir = "/proc/galen"};
    struct err err = {0};
    assert_int_not_equal(store_open(&c, &s, &err), OK);
    assert_non_null(strstr(err.text, "/proc/galen"));
    assert_null(s);
    struct fixture f;
    struct stat info;
    char path[128];
    fixture_init(&f);
    fixture_open(&f);
    fixture_put(&f, "m", NOON, 1);
    snprintf(path, sizeof path, "%s/blocks", f.dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/lock", f.dir);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    fixture_free(&f);
}

const struct CMUnitTest faults_tests[] = {
    cmocka_unit_test(every_change_fails),   cmocka_unit_test(unwritable_disks),
    cmocka_unit_test(power_cuts),           cmocka_unit_test(torn_log),
    cmocka_unit_test(damage_is_named),      cmocka_unit_test(killed_under_load),
    cmocka_unit_test(unusable_directories), cmocka_unit_test(progress_is_told),
};
const size_t faults_tests_n = COUNT(faults_tests);

/* Run in parts: see main.c. */
const struct CMUnitTest flips_tests[] = {
    cmocka_unit_test(flipped_bits_log),
    cmocka_unit_test(flipped_bits_series),
    cmocka_unit_test(flipped_bits_block),
};
const size_t flips_tests_n = COUNT(flips_tests);
