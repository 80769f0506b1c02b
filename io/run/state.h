/* The states of a run folder (io/run/run.h). */
#ifndef EIN_IO_RUN_STATE_H
#define EIN_IO_RUN_STATE_H

typedef enum {
    EIN_STATE_NONE,
    EIN_STATE_RUNNING,
    EIN_STATE_STOPPED,
    EIN_STATE_DONE,
    EIN_STATE_FAILED
} ein_run_state;

#endif
