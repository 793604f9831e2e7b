/* action -- the do= part of a script rule. */
#ifndef FAKE_ACTION_H
#define FAKE_ACTION_H

#include "script.h"

/* A fault that changes nothing. */
void fake_action_init(struct fake_fault *f);
/* name[:argument[:argument]] separated by commas; returns 0 or -1. */
int fake_action_parse(struct fake_fault *f, const char *list);

#endif
