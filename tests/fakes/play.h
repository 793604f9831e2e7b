/* play -- false replies. */
#ifndef FAKE_PLAY_H
#define FAKE_PLAY_H

#include "server.h"

/* Sleeps, but not past the end of the server. */
void fake_play_sleep(const struct fake_call *c, uint32_t ms);
/* Puts the false reply of the fault in the place of the true one, if there is one. */
void fake_play_replace(struct fake_call *c);
/* Replies that are no single message (infinite, garbage, stall): sends them; true when done. */
bool fake_play_stream(struct fake_call *c);

#endif
