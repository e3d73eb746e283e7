/* Keys and certificates made for a test, as PEM files in a folder of its own. */
#pragma once

#include "base/defs.h"

#include <openssl/x509.h>

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
    char folder[64];
    char ca_file[128];
    long serial;
};

void authority_open(struct authority *a);
void authority_close(struct authority *a); /* removes the files */
/* A folder of files alone, and itself. */
void remove_files(const char *folder);
/* Writes folder/NAME.crt and NAME.key; names as OpenSSL has them ("DNS:localhost,IP:127.0.0.1"),
 * valid from and to seconds from now. */
void authority_issue(struct authority *a, const char *name, const char *names, long from_s,
                     long to_s, char cert_file[128], char key_file[128]);
