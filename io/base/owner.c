#include "io/base/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"

/* Field 22 of /proc/PID/stat, counted behind the name, which may hold anything; 0 if it cannot be read. */
static unsigned long long begun_of(long pid) {
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    const ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at && field < 22; field++) {
        at = strchr(at, ' ');
        if (at) at++;
    }
    return at ? strtoull(at, NULL, 10) : 0;
}

ein_owner ein_owner_self(void) {
    ein_owner me = {.pid = (long)getpid()};
    const char *job = getenv("SLURM_JOB_ID"), *restart = getenv("SLURM_RESTART_COUNT");
    if (gethostname(me.host, sizeof me.host - 1) != 0 || !me.host[0]) memcpy(me.host, "unknown-host", 13);
    snprintf(me.job, sizeof me.job, "%.60s", job && job[0] ? job : "none");
    me.restart = restart ? strtol(restart, NULL, 10) : 0;
    me.begun = begun_of(me.pid);
    ein_clock_time(me.start);
    return me;
}

int ein_owner_text(const ein_owner *who, char text[EIN_OWNER_TEXT_BYTES]) {
    return snprintf(text, EIN_OWNER_TEXT_BYTES,
                    "host: %s\npid: %ld\nbegun: %llu\njob: %s\nrestart: %ld\nstart: %s\n", who->host,
                    who->pid, who->begun, who->job, who->restart, who->start);
}

ein_owner ein_owner_read(int fd) {
    ein_owner who = {0};
    char text[EIN_OWNER_TEXT_BYTES], *rest = NULL;
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        sscanf(line, "host: %255s", who.host);
        sscanf(line, "job: %63s", who.job);
        sscanf(line, "start: %63s", who.start);
        sscanf(line, "pid: %ld", &who.pid);
        sscanf(line, "restart: %ld", &who.restart);
        sscanf(line, "begun: %llu", &who.begun);
    }
    return who;
}

ein_owner_state ein_owner_judge(const ein_owner *who) {
    const ein_owner me = ein_owner_self();
    if (!who->host[0]) return EIN_OWNER_NOBODY;
    if (strcmp(me.job, "none") != 0 && strcmp(me.job, who->job) == 0 && who->restart < me.restart)
        return EIN_OWNER_DEAD;
    if (strcmp(me.host, who->host) != 0) return EIN_OWNER_ELSEWHERE;
    if (who->pid <= 0 || (kill((pid_t)who->pid, 0) != 0 && errno == ESRCH)) return EIN_OWNER_DEAD;
    const unsigned long long begun = begun_of(who->pid);
    return who->begun && begun && begun != who->begun ? EIN_OWNER_DEAD : EIN_OWNER_ALIVE;
}
