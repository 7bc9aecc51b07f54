// How long things take.
#ifndef GLOBE_BASE_CLOCK_H
#define GLOBE_BASE_CLOCK_H

double clock_seconds(void); // monotonic, from an arbitrary start

#endif
