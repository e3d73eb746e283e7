/* What the 250 series of a host are: names, labels, kinds. */
#pragma once

#include "mix.h"

enum kind { CPU, BYTES, PACKETS, ERRORS, MILLIS, SLOW, COUNT, CONST, CENTI, TENTH, RATIO };

struct template
{
    char name[64];
    char labels[2][2][64]; /* besides __name__, instance and job */
    int nlabels;
    enum kind kind;
    double scale;
};

/* Some of them as galen-agent names them. */
const struct template *templates_make(bool agent);
