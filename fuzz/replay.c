/* Without libFuzzer: runs each file of the folders given once, so that every input that ever
 * broke something stays tested. */
#include "base/file.h"

#include <dirent.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_folder(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return 1;
    }
    int runs = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        auto_buf text = {0};
        struct err err;
        if (file_read_at(dirfd(dir), entry->d_name, &text, &err)) {
            fprintf(stderr, "%s\n", err.text);
            closedir(dir);
            return 1;
        }
        LLVMFuzzerTestOneInput((const uint8_t *)buf_text(&text), text.len);
        runs++;
    }
    closedir(dir);
    printf("1..1\n%s 1 - %d inputs of %s\n", runs ? "ok" : "not ok", runs, path);
    return runs == 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= run_folder(argv[i]);
    return failed;
}
