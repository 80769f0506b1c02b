/* Finding recordings in folders, and telling them from other files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/ecg/reader.h"
#include "io/ecg/source_hash.h"
#include "io/ecg/source_stamp.h"
#include "tests/report.h"

static char folder[] = "/tmp/einthoven-reader.XXXXXX";

static const char *in_folder(const char *name) {
    static char paths[16][512];
    static int at;
    at = (at + 1) % 16;
    snprintf(paths[at], sizeof paths[at], "%s%s%s", folder, name[0] ? "/" : "", name);
    return paths[at];
}

static void put(const char *name, const char *text) {
    FILE *f = fopen(in_folder(name), "wb");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0) abort();
}

static void make_folder(const char *name) {
    if (mkdir(in_folder(name), 0777) != 0) abort();
}

static void make_link(const char *target, const char *name) {
    if (symlink(target, in_folder(name)) != 0) abort();
}

static bool follow; /* links that leave the roots */

/* The paths found below `roots` (without the folder), joined by blanks, and after "|" the problems with
 * "path>reason". */
static const char *find(int n, const char *const *roots) {
    static char text[8192];
    const char *full[8];
    ein_reader_list list;
    for (int i = 0; i < n; ++i) full[i] = roots[i][0] == '=' ? roots[i] + 1 : in_folder(roots[i]);
    ein_links *links = NULL;
    if (ein_links_new(full, n, follow, &links) != EIN_OK) return "error";
    ein_status status = ein_reader_find(full, n, links, &list);
    ein_links_destroy(links);
    if (status != EIN_OK) return "error";
    text[0] = '\0';
    size_t skip = strlen(folder) + 1;
    for (int64_t i = 0; i < list.count; ++i) {
        const char *path = strncmp(list.path[i], folder, skip - 1) == 0 ? list.path[i] + skip : list.path[i];
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "", path);
    }
    for (int64_t i = 0; i < list.n_problems; ++i) {
        const char *path = list.problem[i].path;
        if (strncmp(path, folder, skip - 1) == 0) path += skip;
        snprintf(text + strlen(text), sizeof text - strlen(text), "|%s>%s", path, list.problem[i].reason);
    }
    ein_reader_list_free(&list);
    return text;
}

static void expect(const char *what, int n, const char *const *roots, const char *wanted) {
    const char *got = find(n, roots);
    if (!report(strcmp(got, wanted) == 0, "%s", what)) printf("# got \"%s\"\n# not \"%s\"\n", got, wanted);
}
#define EXPECT(what, wanted, ...)                                                                       \
    expect(what, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__}, \
           wanted)

static void check_find(void) {
    make_folder("a");
    make_folder("a/deep");
    make_folder("b");
    put("a/2.hea", ""), put("a/10.hea", ""), put("a/B.hea", ""), put("a/deep/1.hea", "");
    put("a/2.dat", ""), put("a/labels.csv", ""), put("a/README.txt", ""), put("a/hea", ""),
        put("a/x.hea.bak", "");
    put("a/.hidden.hea", ""), put("b/1.hea", ""), put("b/1.mat", "");
    EXPECT("a tree: headers only, sorted by bytes",
           "a/.hidden.hea a/10.hea a/2.hea a/B.hea a/deep/1.hea b/1.hea", "");
    EXPECT("a folder with a slash", "b/1.hea", "b/");
    EXPECT("several roots, in any order", "a/deep/1.hea b/1.hea", "b", "a/deep");
    EXPECT("a folder within another counts once", "a/.hidden.hea a/10.hea a/2.hea a/B.hea a/deep/1.hea",
           "a/deep", "a", "a");
    EXPECT("a record without extension, its signal file, its header: one", "b/1.hea", "b/1", "b/1.mat",
           "b/1.hea");
    EXPECT("a file that is a root is listed whatever its name", "a/labels.csv", "a/labels.csv");
    EXPECT("a root that is not there", "b/1.hea|c>No such file or directory", "c", "b");
    EXPECT("an empty root", "b/1.hea|>the name is empty", "=", "b");
    make_folder("a/none");
    EXPECT("an empty folder is no problem", "", "a/none");
}

static void check_links(void) {
    make_folder("l");
    put("l/1.hea", "");
    make_link(".", "l/loop");
    make_link("..", "l/up");
    make_link("1.hea", "l/2.hea");
    make_link("nowhere.hea", "l/3.hea");
    make_link("nowhere.dat", "l/3.dat");
    make_folder("l/z");
    put("l/z/9.hea", "");
    make_link("z", "l/again");
    make_folder("out");
    put("out/secret", "root:x:0:0\n");
    put("out/7.hea", "");
    make_link("../out/secret", "l/4.hea");
    make_link("../out", "l/y");
    make_link("../out/secret", "l/5.txt");
#define OUT ">a symbolic link out of the folders that were named; --follow-links follows it"
    EXPECT(
        "loops end; a folder reached twice is walked once; a broken link and links that lead out are problems",
        "l/1.hea l/2.hea l/again/9.hea|l/3.hea>broken symbolic link|l/4.hea" OUT "|l/up" OUT "|l/y" OUT, "l");
    EXPECT("a link to what another root holds is followed",
           "l/1.hea l/2.hea l/4.hea l/again/9.hea l/y/7.hea out/7.hea out/secret|l/3.hea>broken "
           "symbolic link|l/up" OUT,
           "l", "out/7.hea", "out/secret");
    follow = true;
    EXPECT("on request, all links are followed",
           "l/1.hea l/2.hea l/4.hea l/again/9.hea l/up/a/.hidden.hea l/up/a/10.hea l/up/a/2.hea l/up/a/B.hea "
           "l/up/a/deep/1.hea l/up/b/1.hea l/up/out/7.hea|l/3.hea>broken symbolic link",
           "l");
    follow = false;
    make_link("b", "to_b");
    EXPECT("a root may be a link to a folder", "to_b/1.hea", "to_b");
    make_folder("n");
    make_link("../out/secret", "n/6.hea");
    EXPECT("a root that is a link to a file elsewhere is not followed", "|n/6.hea" OUT, "n/6.hea");
    make_link("6.hea", "n/8.hea");
    put("n/real.hea", "");
    make_link("real.hea", "n/9.hea");
    EXPECT("a chain of links is judged by its end", "n/9.hea|n/8.hea" OUT, "n/8.hea", "n/9.hea");
}

/* Links to signal files obey the same rule. */
static void check_signal_links(void) {
    ein_ecg ecg;
    static const char header[] = "1 1 100 10\n1.dat 16 200/mV 16 0 0 6 0 II\n";
    make_folder("d");
    make_folder("d/in"), make_folder("d/objects");
    FILE *f = fopen(in_folder("d/objects/key"), "wb");
    static const unsigned char samples[20] = {0, 0, 1, 0, 2, 0, 3};
    if (!f || fwrite(samples, 1, 20, f) != 20 || fclose(f) != 0) abort();
    put("d/in/1.hea", header);
    make_link("../objects/key", "d/in/1.dat");
    ein_status status = ein_reader_read(in_folder("d/in/1.hea"), &ecg);
    report(status == EIN_FORMAT && strstr(ein_error_message(), "--follow-links"),
           "a signal file that leads out is not read");
    const char *roots[] = {in_folder("d/in"), in_folder("d")};
    for (int i = 0; i < 3; i++) {
        ein_links *links = NULL;
        if (ein_links_new(&roots[i == 1], 1, i == 2, &links) != EIN_OK) abort();
        status = ein_reader_read_with(in_folder("d/in/1.hea"),
                                      &(ein_reader_options){.place = {.links = links}}, &ecg);
        report((status == EIN_OK) == (i > 0), "%s",
               i == 0   ? "nor from the folder that holds the link"
               : i == 1 ? "it is from the folder that holds both"
                        : "and on request");
        if (status == EIN_OK) ein_ecg_free(&ecg);
        ein_links_destroy(links);
    }
}

/* Names that a terminal or a table would obey. */
static void check_names(void) {
    make_folder("names");
    put("names/tab\tname.hea", "");
    make_link("nowhere", "names/tab\tlink.hea");
    EXPECT("a tab in a name does not part it from its reason",
           "names/tab\tname.hea|names/tab\tlink.hea>broken symbolic link", "names");
    ein_error(EIN_IO, "%s", "a\033[2Jb\007\rc\177\302\233d\n\te\303\274");
    report(strcmp(ein_error_message(), "a?[2Jb??c???d\n\te\303\274") == 0,
           "messages hold no control characters");
    char name[] = "x\ny\tz";
    ein_make_printable(name, false);
    report(strcmp(name, "x?y?z") == 0, "names of one line hold no line ends either");
}

static void check_xml_names(void) {
    make_folder("x");
    put("x/1.hea", ""), put("x/1.xml", "<RestingECG>"), put("x/2.XML", "<?xml?><library/>"),
        put("x/3.xml", ""), put("x/4.xml.bak", "<r/>"), put("x/5.ecg", "<RestingECG>");
    EXPECT("names that end in .xml, in any case, and an ECG of any name",
           "x/1.hea x/1.xml x/2.XML x/3.xml x/5.ecg", "x");
    EXPECT("XML that is a root, beside a header and of any name", "x/1.xml x/5.ecg", "x/1.xml", "x/5.ecg");
}

/* What was passed over, as "2 tables ...". */
static const char *passed(const char *root) {
    static char text[512];
    const char *roots[] = {in_folder(root)};
    ein_reader_list list;
    text[0] = '\0';
    if (ein_reader_find(roots, 1, NULL, &list) != EIN_OK) return "error";
    for (int i = 0; i < list.n_passed; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld %s (%s)", i ? ", " : "",
                 (long long)list.passed[i].count, list.passed[i].kind,
                 strrchr(list.passed[i].first, '/') + 1);
    ein_reader_list_free(&list);
    return text;
}

static void check_others(void) {
    make_folder("o"), make_folder("o/in");
    put("o/1.hea", "1 1 500 10\nother.sig 16\n"), put("o/1.dat", ""), put("o/1.atr", ""),
        put("o/other.sig", "a"), put("o/OTHER.SIG", "a");
    put("o/2.HEA", "2 1 500 10\n2.dat 16\n"), put("o/2.DAT", "");
    put("o/a.csv", "id\n"), put("o/in/b.csv", "id\n"), put("o/in/README", "hello\n");
    put("o/in/other.sig", "no header of this folder has it\n");
    put("o/1.ecg", "annotations of 1"), put("o/2.ecg", "ISHNE1.0"), put("o/in/3.ecg", "no header beside it");
    put("o/x.scp", "SCP"), put("o/1.edf", "x"), put("o/in/y.export", "<AnnotatedECG/>"),
        put("o/in/z.zip", "PK\3\4");
    EXPECT("records, and files of other kinds that may be some",
           "o/1.edf o/1.hea o/2.HEA o/2.ecg o/in/3.ecg o/in/y.export o/in/z.zip o/x.scp", "o");
    const char *got = passed("o");
    if (!report(strcmp(got, "2 tables (a.csv), 2 texts (README)") == 0,
                "what is no recording is counted by kind"))
        printf("# got \"%s\"\n", got);
    EXPECT("a signal file that is a root stands for its header, in capitals too", "o/2.HEA", "o/2.DAT");
}

static void check_special(void) {
    make_folder("s");
    put("s/1.hea", "");
    make_folder("s/folder.hea");
    if (mkfifo(in_folder("s/pipe.hea"), 0600) != 0) abort();
    if (mkfifo(in_folder("s/pipe"), 0600) != 0) abort();
#define PIPE ">a pipe, socket or device; only regular files are read"
    EXPECT("a folder named .hea is a folder, a pipe of that name is refused, others are passed over",
           "s/1.hea|s/pipe.hea" PIPE, "s");
    EXPECT("pipes and devices that are named are refused", "|s/pipe" PIPE "|/dev/null" PIPE, "s/pipe",
           "=/dev/null");
    char name[300];
    memset(name, 'n', sizeof name);
    strcpy(name, "s/");
    memset(name + 2, 'n', 251);
    strcpy(name + 253, ".hea");
    put(name, "");
    char wanted[400];
    snprintf(wanted, sizeof wanted, "s/1.hea %s|s/pipe.hea" PIPE, name);
    EXPECT("the longest name a file can have", wanted, "s");
    char *endless = malloc(6000);
    if (!endless) abort();
    memset(endless, 'x', 5999);
    endless[0] = '=';
    endless[5999] = '\0';
    const char *got = find(1, (const char *[]){endless});
    report(got[0] == '|' && strstr(got, "path too long"), "a root of 6,000 bytes is a problem, not a crash");
    free(endless);
}

/* Deeper than any path may be long: what can be reached is found, the rest is one problem. */
static void check_deep(void) {
    char here[512], name[201];
    memset(name, 'd', 200);
    name[200] = '\0';
    if (!getcwd(here, sizeof here) || chdir(folder) != 0) abort();
    int made = 0;
    if (mkdir("deep", 0777) != 0 || chdir("deep") != 0) abort();
    for (; made < 30 && mkdir(name, 0777) == 0 && chdir(name) == 0; ++made) {
        int fd = open("1.hea", O_CREAT | O_WRONLY, 0666);
        if (fd >= 0) close(fd);
    }
    if (chdir(here) != 0) abort();
    const char *roots[] = {in_folder("deep")};
    ein_reader_list list;
    ein_status status = ein_reader_find(roots, 1, NULL, &list);
    report(made == 30 && status == EIN_OK && list.count >= 19 && list.count < 30 && list.n_problems >= 1,
           "30 folders of 200 bytes: %lld of 30 found, %lld problems", (long long)list.count,
           (long long)list.n_problems);
    ein_reader_list_free(&list);
}

static void check_unreadable(void) {
    make_folder("u");
    make_folder("u/closed");
    put("u/1.hea", ""), put("u/closed/2.hea", "");
    if (geteuid() == 0) {
        printf("# root reads every folder: run the test as another user to see an unreadable one refused\n");
        pid_t pid = fork();
        if (pid < 0) abort();
        /* A child without privileges can try; it tells by its exit status. */
        if (pid == 0) {
            chmod(folder, 0755);
            chmod(in_folder("u/closed"), 0);
            if (setgid(65534) != 0 || setuid(65534) != 0) _exit(2);
            _exit(strcmp(find(1, (const char *[]){"u"}), "u/1.hea|u/closed>Permission denied") == 0 ? 0 : 1);
        }
        int status = 0;
        if (waitpid(pid, &status, 0) != pid) abort();
        report(WIFEXITED(status) && WEXITSTATUS(status) == 0,
               "an unreadable folder is a problem, the rest goes on");
        chmod(in_folder("u/closed"), 0777);
        return;
    }
    chmod(in_folder("u/closed"), 0);
    EXPECT("an unreadable folder is a problem, the rest goes on", "u/1.hea|u/closed>Permission denied", "u");
    chmod(in_folder("u/closed"), 0777);
}

static void check_read(void) {
    ein_ecg ecg;
    make_folder("r");
    FILE *f = fopen(in_folder("r/1.dat"), "wb");
    static const unsigned char zeros_and_more[20] = {0, 0, 1, 0, 2, 0, 3};
    if (!f || fwrite(zeros_and_more, 1, 20, f) != 20 || fclose(f) != 0) abort();
    put("r/1.hea", "1 1 100 10\n1.dat 16 200/mV 16 0 0 6 0 II\n");
    put("r/header", "1 1 100 10\n1.dat 16 200/mV 16 0 0 6 0 II\n");
    put("r/notes.hea", "Dear colleague,\nthis is no header.\n");
    put("r/ecg.xml", "<?xml version=\"1.0\"?><RestingECG/>");
    put("r/page.xml", "<!DOCTYPE html>\n<html>");
    put("r/sierra", "<?xml version=\"1.0\"?><restingecgdata/>");
    put("r/aecg.hea", "<AnnotatedECG xmlns=\"urn:hl7-org:v3\"/>");
    put("r/cs.dat",
        "<CardiologyXML><StripData><SampleRate>500</SampleRate><Resolution units=\"uVperLsb\">5</Resolution>"
        "<WaveformData lead=\"I\">1,2</WaveformData></StripData></CardiologyXML>");
    put("r/no.xml", "Dear colleague,\nthis is no XML.\n");
    put("r/empty", "");
    static const struct {
        const char *name;
        ein_status status;
        const char *says;
    } cases[] = {
        {"r/1.hea", EIN_OK, ""},
        {"r/1", EIN_OK, ""},
        {"r/header", EIN_OK, ""},
        {"r/1.dat", EIN_OTHER, "signal file"},
        {"r/notes.hea", EIN_FORMAT, ":1:"},
        {"r/ecg.xml", EIN_FORMAT, "XML"},
        {"r/page.xml", EIN_OTHER, "XML of another kind (its first element is <html>)"},
        {"r/sierra", EIN_OTHER, "Philips Sierra XML"},
        {"r/aecg.hea", EIN_OTHER, "HL7 aECG without a <series>"},
        {"r/cs.dat", EIN_OK, ""},
        {"r/no.xml", EIN_FORMAT, ":1:"},
        {"r/empty", EIN_FORMAT, "empty"},
        {"r/none", EIN_NOTFOUND, "r/none"},
        {"r/none.hea", EIN_NOTFOUND, "r/none.hea"},
        {"r", EIN_IO, "r"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        memset(&ecg, 0xff, sizeof ecg);
        ein_error_clear();
        ein_status status = ein_reader_read(in_folder(cases[i].name), &ecg);
        report(status == cases[i].status && strstr(ein_error_message(), cases[i].says) &&
                   (status == EIN_OK) == (ecg.mv != NULL),
               "%s: %s", cases[i].name, ein_status_name(status));
        if (status == EIN_OK) ein_ecg_free(&ecg);
    }
}

/* --- once ------------------------------------------------------------------------------------------------ */

/* How often each file of `names` was opened since the watch began. */
static void count_opens(int watch, const char *const *names, int n, int *opens) {
    char events[16384] __attribute__((aligned(8)));
    memset(opens, 0, (size_t)n * sizeof *opens);
    for (ssize_t got; (got = read(watch, events, sizeof events)) > 0;)
        for (const char *p = events; p < events + got;) {
            const struct inotify_event *e = (const struct inotify_event *)p;
            for (int i = 0; i < n; i++) opens[i] += e->len > 0 && strcmp(e->name, names[i]) == 0;
            p += sizeof *e + e->len;
        }
}

/* Samples with bytes before and behind them, which belong to the file. */
static void put_samples(const char *name, size_t bytes) {
    FILE *f = fopen(in_folder(name), "wb");
    if (!f) abort();
    for (size_t i = 0; i < bytes; i++) fputc((int)(i * 7 % 251), f);
    if (fclose(f) != 0) abort();
}

/* A file of another format is opened once, too, to be recognised, read and hashed. */
static void check_once_single(int watch) {
    static const char *const names[] = {"x.edf"};
    static const char edf[] =
        "0       ANON                                                                            "
        "X                                                                               "
        "01.01.2001.01.01512     EDF                                         1       1       1   "
        "ECG I           "
        "                                                                                "
        "mV      -5      5       -32768  32767   "
        "                                                                                "
        "100                                     ";
    char expected[EIN_SHA256_TEXT_BYTES];
    ein_reader_source source;
    ein_ecg ecg;
    int opens[1];
    FILE *f = fopen(in_folder("once/x.edf"), "wb");
    if (!f || fwrite(edf, 1, sizeof edf - 1, f) != sizeof edf - 1) abort();
    for (int i = 0; i < 200; i++) fputc(i, f);
    if (fclose(f) != 0) abort();
    const bool hashed = ein_source_hash(in_folder("once/x.edf"), expected) == EIN_OK;
    count_opens(watch, names, 1, opens);
    const ein_status read = ein_reader_read_source(in_folder("once/x.edf"), NULL, &ecg, &source);
    report(hashed && read == EIN_OK && strcmp(source.sha256, expected) == 0, "hash of what was read: EDF %s",
           read == EIN_OK ? "" : ein_error_message());
    if (read == EIN_OK) ein_ecg_free(&ecg);
    count_opens(watch, names, 1, opens);
    if (watch >= 0) report(opens[0] == 1, "opened once: EDF (%d)", opens[0]);
    report(read == EIN_OK && source.stamp == ein_source_stamp(in_folder("once/x.edf")),
           "stamp of what was read: EDF");
}

/* A recording's files are opened once for its samples and for the hash, which is that of whole files. */
static void check_once(void) {
    static const char *const names[] = {"1.hea", "1.dat", "p.dat", "2.dat"};
    static const struct {
        const char *what, *header;
        int opens[4];
    } cases[] = {
        {"one file", "1 2 500 100\n1.dat 16 200 16 0 0 0 0 I\n1.dat 16 200 16 0 0 0 0 II\n", {1, 1, 0, 0}},
        {"bytes before and behind", "1 1 500 100\n1.dat 16+30 200 16 0 0 0 0 I\n", {1, 1, 0, 0}},
        {"packed, an odd number", "1 1 500 99\n1.dat 212 200 12 0 0 0 0 V1\n", {1, 1, 0, 0}},
        {"no length stated", "1 1 500\n1.dat 212 200 12 0 0 0 0 V1\n", {1, 1, 0, 0}},
        {"another signal's file first",
         "1 3 500 100\np.dat 16 1/NU 16 0 0 0 0 PLETH\n1.dat 16 200 16 0 0 0 0 I\n2.dat 16 200 16 0 0 0 0 II\n",
         {1, 1, 1, 1}},
        {"cut short", "1 1 500 100000\n1.dat 16 200 16 0 0 0 0 I\n", {1, 1, 0, 0}},
        {"many blocks", "1 1 500 90000\n2.dat 16+6 200 16 0 0 0 0 I\n", {1, 0, 0, 1}},
    };
    const int watch = inotify_init1(IN_NONBLOCK);
    make_folder("once");
    if (watch < 0 || inotify_add_watch(watch, in_folder("once"), IN_OPEN) < 0) {
        printf("# inotify is not there; opens are not counted\n");
    }
    put_samples("once/1.dat", 1000);
    put_samples("once/p.dat", 333);
    put_samples("once/2.dat", 400000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char expected[EIN_SHA256_TEXT_BYTES];
        ein_reader_source source;
        ein_ecg ecg;
        int opens[4];
        put("once/1.hea", cases[i].header);
        bool good = ein_source_hash(in_folder("once/1.hea"), expected) == EIN_OK;
        count_opens(watch, names, 4, opens);
        good = good && ein_reader_read_source(in_folder("once/1.hea"), NULL, &ecg, &source) == EIN_OK;
        if (good) ein_ecg_free(&ecg);
        report(good && strcmp(source.sha256, expected) == 0, "hash of what was read: %s", cases[i].what);
        count_opens(watch, names, 4, opens);
        if (watch >= 0)
            report(memcmp(opens, cases[i].opens, sizeof opens) == 0, "opened once: %s (%d %d %d %d)",
                   cases[i].what, opens[0], opens[1], opens[2], opens[3]);
        report(good && source.stamp != 0 && source.stamp == ein_source_stamp(in_folder("once/1.hea")),
               "stamp of what was read: %s", cases[i].what);
    }
    check_once_single(watch);
    if (watch >= 0) close(watch);
}

/* A file that is not wanted for samples is for the hash: the recording is read, the hash says what is missing. */
static void check_no_hash(void) {
    ein_reader_source source;
    ein_ecg ecg;
    char expected[EIN_SHA256_TEXT_BYTES];
    put("once/1.hea", "1 2 500 100\n1.dat 16 200 16 0 0 0 0 I\nq.dat 16 1/NU 16 0 0 0 0 PLETH\n");
    const ein_status read = ein_reader_read_source(in_folder("once/1.hea"), NULL, &ecg, &source);
    ein_error_clear();
    report(read == EIN_OK && source.sha256[0] == '\0' && ein_error_kept(&source.error) == EIN_NOTFOUND &&
               strstr(ein_error_message(), "q.dat"),
           "no hash: %s", ein_error_message());
    report(source.stamp == 0, "nor a stamp");
    report(ein_source_hash(in_folder("once/1.hea"), expected) == EIN_NOTFOUND &&
               strstr(ein_error_message(), "q.dat"),
           "nor without reading");
    if (read == EIN_OK) ein_ecg_free(&ecg);
}

int main(void) {
    if (!mkdtemp(folder)) abort();
    check_find();
    check_links();
    check_once();
    check_no_hash();
    check_signal_links();
    check_names();
    check_xml_names();
    check_others();
    check_special();
    check_deep();
    check_unreadable();
    check_read();
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0) printf("# %s was left behind\n", folder);
    return report_end();
}
