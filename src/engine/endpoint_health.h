// Whether a server is there at all. Troubles in a row that are not one photo's make the rest wait: the server
// is then asked one thing at a time, more and more rarely, and after a while no longer.
#ifndef GLOBE_ENGINE_ENDPOINT_HEALTH_H
#define GLOBE_ENGINE_ENDPOINT_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum endpoint_trouble {
    TROUBLE_NONE,   // it answered
    TROUBLE_PHOTO,  // it is there, but did not like this request
    TROUBLE_SERVER, // out of reach, broken off, 5xx, no answer in time
    TROUBLE_BUSY,   // 429, or a Retry-After
    TROUBLE_SHUT    // it will refuse every request: wrong key, wrong address, unknown certificate
};

// Times are seconds of one clock that only goes forward.
struct endpoint_health {
    double patience; // how long a server may be out of reach before the rest is given up
    size_t in_row;   // troubles since the last answer
    double since;    // ... the first of them
    double next;     // when it may be asked again, while it is in trouble
    double pause;    // before the next try
    double resting;  // until then it asked to be left alone
    size_t shut;     // refusals of that kind in a row
    bool gone;       // given up
};

// Troubles in a row that count as more than bad luck, and refusals that count as final.
enum { ENDPOINT_TROUBLES = 5, ENDPOINT_SHUT = 4 };

// Notes what became of a request. `wait` seconds were asked for (0: none).
enum endpoint_change {
    HEALTH_SAME,
    HEALTH_DOUBTFUL,  // from now on it is asked one thing at a time
    HEALTH_RECOVERED, // it answers again
    HEALTH_GONE       // given up now
};
enum endpoint_change endpoint_health_note(struct endpoint_health *health, enum endpoint_trouble trouble,
                                          double wait, double now);
bool endpoint_health_is_doubtful(const struct endpoint_health *health);
// 0 when another request may begin now with `flying` under way, else the seconds to wait (of several that
// wait, an answer may shorten it).
double endpoint_health_wait(const struct endpoint_health *health, size_t flying, double now);

#endif
