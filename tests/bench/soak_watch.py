"""soak_watch.py PROGRAM MODEL FOLDER SECONDS ARRIVALS: feed `score --watch` and account for every file (soak_watch.sh).

Files come at an even rate. What has its line and is older than LIFE_S is removed, as somebody who empties an inbox does,
so that disk and memory have no reason to grow. Half of the time in, the watcher is killed (SIGKILL) and started again.
"""
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time

program, model, folder, seconds, arrivals = sys.argv[1:4] + [float(sys.argv[4]), int(sys.argv[5])]
LIFE_S, SETTLE_S, PATIENCE_S = 20.0, 0.3, 4.0
inbox, out = folder + "/inbox", folder + "/out"
os.makedirs(inbox)
os.makedirs(folder + "/aside")
rng = random.Random(int(os.environ.get("EIN_TEST_SEED", "0")))
LEADS, SAMPLES = ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"], 500


def signal_of(seed):
    """500 samples at 50 Hz of 8 leads: beats of a shape and rate of their own. SYNTHETIC."""
    r = random.Random(seed)
    period, values = r.randint(30, 60), []
    for t in range(SAMPLES):
        x = t % period
        beat = 900 * (x == 8) - 200 * (x == 9) + 150 * (14 < x < 20) + 60 * (2 < x < 5)
        values += [int(beat * (0.5 + 0.1 * lead)) + r.randint(-15, 15) for lead in range(len(LEADS))]
    return struct.pack("<%dh" % len(values), *values)


SIGNALS = [signal_of(i) for i in range(200)]


def header(name, samples=SAMPLES):
    lines = ["%s %d 50 %d" % (name, len(LEADS), samples)]
    return "\n".join(lines + ["%s.dat 16 1000/mV 16 0 0 0 0 %s" % (name, lead) for lead in LEADS]) + "\n"


def write(path, data):
    with open(path, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape"))


# What is expected of a path: statuses that are right, of the last line and of those before; lines: how many states of it
# may be told. `then`: what is done when its first line was seen. `stays`: it is not removed.
class Arrival:
    def __init__(self, kind, path, statuses, most=1, least=1, before=None, then=None, stays=False):
        self.kind, self.path, self.statuses, self.most, self.least = kind, path, statuses, most, least
        self.before, self.then, self.stays = before or statuses, then, stays
        self.lines, self.removed, self.to_come, self.done_s = [], False, 0, time.monotonic()

    def is_wrong(self):
        return len(self.lines) > self.most or bool(self.lines) and (
            self.lines[-1] not in self.statuses or any(s not in self.before for s in self.lines[:-1]))


expected, alive, later = {}, [], []


def soon(delay, action):
    later.append((time.monotonic() + delay, action))


def expect(kind, path, statuses, **how):
    expected[path] = a = Arrival(kind, path, statuses, **how)
    alive.append(a)
    return a


def base(i, sub=True):
    where = "%s/d%02d" % (inbox, i % 37)
    os.makedirs(where, exist_ok=True)
    return where, "r%06d" % i


def good(i, data=None, name=None):
    where, own = base(i)
    name = name or own
    write("%s/%s.dat" % (where, name), data or SIGNALS[i % len(SIGNALS)])
    write("%s/%s.hea" % (where, name), header(name))
    return expect("good", "%s/%s.hea" % (where, name), {"ok"})


def renamed(i):
    where, name = base(i)
    aside = folder + "/aside/" + name
    write("%s/%s.dat" % (where, name), SIGNALS[i % len(SIGNALS)])
    write(aside, header(name))
    os.rename(aside, "%s/%s.hea" % (where, name))
    expect("renamed into place", "%s/%s.hea" % (where, name), {"ok"})


def duplicate(i):
    a = good(i, SIGNALS[7])
    a.kind = "duplicate"


UNFINISHED = {"incomplete", "malformed", "short", "ok"}


def half(i):
    """The header first; the signal in pieces, with pauses: one line, of the whole, unless this script itself was kept waiting
    for as long as the watcher has patience."""
    where, name = base(i)
    data = SIGNALS[i % len(SIGNALS)]
    write("%s/%s.hea" % (where, name), header(name))
    a = expect("half-written, then whole", "%s/%s.hea" % (where, name), {"ok"}, before=UNFINISHED)
    a.done_s += 3
    a.to_come = 2  # it is not removed before it is whole, however slow this script is
    written = [time.monotonic()]

    def more(part):
        def go():
            with open("%s/%s.dat" % (where, name), "ab") as f:
                f.write(part)
            a.to_come -= 1
            if time.monotonic() - written[0] >= PATIENCE_S:
                a.kind, a.most = "half-written, by a slow script", 3
            written[0] = time.monotonic()
        return go
    soon(rng.uniform(0.2, 1.0), more(data[:3001]))
    soon(rng.uniform(1.1, 2.0), more(data[3001:]))


def late(i):
    """Whole only after it was told incomplete: two lines."""
    where, name = base(i)
    write("%s/%s.hea" % (where, name), header(name))

    def go():
        write("%s/%s.dat" % (where, name), SIGNALS[i % len(SIGNALS)])
    expect("whole after it was told", "%s/%s.hea" % (where, name), {"ok"}, most=2, least=2, before={"incomplete"}, then=go)


def never(i):
    """A signal that stays shorter than its header says."""
    where, name = base(i)
    write("%s/%s.dat" % (where, name), SIGNALS[i % len(SIGNALS)][:5001])
    write("%s/%s.hea" % (where, name), header(name))
    expect("half-written for ever", "%s/%s.hea" % (where, name), {"ok", "malformed", "short", "incomplete"})


def without(i):
    where, name = base(i)
    write("%s/%s.hea" % (where, name), header(name))
    expect("header without a signal", "%s/%s.hea" % (where, name), {"incomplete"})


def replaced(i):
    a = good(i)
    a.kind, a.most = "replaced", 2
    where, name = base(i)
    a.done_s += 6

    def go():
        write("%s/%s.dat" % (where, name), SIGNALS[(i + 1) % len(SIGNALS)])
    soon(rng.uniform(0.05, 5.0), go)


def vanishing(i):
    a = good(i)
    a.kind, a.least = "gone at once", 0
    where, name = base(i)

    def go():
        os.unlink("%s/%s.hea" % (where, name))
        os.unlink("%s/%s.dat" % (where, name))
        a.removed = True
    soon(rng.uniform(0.0, 0.5), go)


def folder_of(i, data=None):
    """A folder of its own, moved in."""
    where, name = base(i)
    aside = folder + "/aside/f" + name
    os.makedirs(aside)
    write("%s/%s.dat" % (aside, name), data or SIGNALS[i % len(SIGNALS)])
    write("%s/%s.hea" % (aside, name), header(name))
    where += "/f" + name
    os.rename(aside, where)
    return expect("folder", "%s/%s.hea" % (where, name), {"ok"})


def vanishing_folder(i):
    a = folder_of(i)
    a.kind, a.least = "folder that is gone at once", 0

    def go():
        shutil.rmtree(os.path.dirname(a.path))
        a.removed = True
    soon(rng.uniform(0.0, 0.5), go)


def hostile(i):
    where, name = base(i)
    bad = {"malformed", "unsupported", "incomplete", "unreadable", "leads", "short", "rate", "amplitude", "ok"}
    what = rng.randrange(9)
    path = "%s/%s.hea" % (where, name)
    if what == 0:
        write(path, bytes(rng.randrange(256) for _ in range(rng.randrange(1, 3000))))
    elif what == 1:
        write(path, header(name, 10 ** 12))
        write("%s/%s.dat" % (where, name), SIGNALS[0])
    elif what == 2:
        path = "%s/%s.xml" % (where, name)
        write(path, "<?xml version='1.0'?><AnnotatedECG xmlns='urn:hl7-org:v3'>" + "<a>" * rng.randrange(1, 2000))
    elif what == 3:
        write(path, header("../" * 9 + "etc/passwd"))
    elif what == 4:
        os.symlink("/etc/hostname", path)
    elif what == 5:
        path = "%s/%s.xml" % (where, name)
        os.mkfifo(path)
    elif what == 6:
        write(path, name + " 8 1e308 -5\n" + "x.dat 16\n" * 8)
    elif what == 7:
        path = "%s/%s \udcff\nline.hea" % (where, name)
        write(path, "nothing")
    else:
        write(path, header(name).replace("1000/mV", "1e-30/mV"))
        write("%s/%s.dat" % (where, name), SIGNALS[1])
    expect("hostile %d" % what, path, bad)


def for_ever():
    """What nobody can read, and nobody removes."""
    for name, make in (("pipe", os.mkfifo), ("link", lambda path: os.symlink("/etc/hostname", path))):
        make("%s/%s.hea" % (inbox, name))
        expect("unreadable for ever", "%s/%s.hea" % (inbox, name), {"unreadable"}, stays=True)


KINDS = [(good, 56), (renamed, 8), (folder_of, 3), (vanishing_folder, 1), (duplicate, 8), (half, 6), (late, 2), (never, 3),
         (without, 2), (replaced, 4), (vanishing, 3), (hostile, 4)]
DRAW = [k for k, n in KINDS for _ in range(n)]

# --- the watcher -----------------------------------------------------------------------------------------------------

child, log = None, open(folder + "/log", "wb")


def start():
    global child
    child = subprocess.Popen(
        [program, "score", "--watch", inbox, "--model", model, "--out", out, "--set", "watch.settle_s=%g" % SETTLE_S,
         "--set", "watch.patience_s=%g" % PATIENCE_S, "--set", "watch.poll_s=5", "--set", "watch.heartbeat_s=2",
         "--set", "watch.rotate_mib=4", "--set", "watch.keep=100000", "--set", "score.threads=1"],
        stdout=log, stderr=log)


def resident():
    try:
        with open("/proc/%d/status" % child.pid) as f:
            kib = [int(line.split()[1]) for line in f if line.startswith("VmRSS")]
        return kib[0] if kib else 0, len(os.listdir("/proc/%d/fd" % child.pid))
    except OSError:
        return 0, 0


class Lines:
    """Lines as they come, over rotations: records.jsonl becomes records.jsonl.1 and so on, or another name."""

    def __init__(self):
        self.seen, self.count, self.twice, self.strange, self.read = set(), 0, [], [], {}

    def take(self, line):
        d = json.loads(line)
        source = os.fsdecode(bytes.fromhex(d["source_bytes"])) if "source_bytes" in d else d["source"]
        key = (source, d["stamp"])
        self.count += 1
        if key in self.seen:
            self.twice.append(key)
        self.seen.add(key)
        a = expected.get(source)
        if a is None:
            self.strange.append(d)
            return
        a.lines.append(d["status"])

    def look(self):
        names = [n for n in os.listdir(out) if n.startswith("records.jsonl")] if os.path.isdir(out) else []
        files = {}
        for n in names:
            try:
                files[os.stat(out + "/" + n).st_ino] = out + "/" + n
            except OSError:
                pass
        for inode, path in files.items():
            with open(path, "rb") as f:
                f.seek(self.read.get(inode, 0))
                data = f.read()
            whole = data.rfind(b"\n") + 1
            for line in data[:whole].splitlines():
                self.take(line)
            self.read[inode] = self.read.get(inode, 0) + whole


lines = Lines()
start()
begin = time.monotonic()
curve, samples, made, killed, shown = [], [[]], 0, False, 0.0


def tidy(now):
    """Remove what has its line and is old."""
    keep = []
    for a in alive:
        if a.then and a.lines:
            a.then()
            a.then, a.done_s = None, now
        if now - a.done_s < LIFE_S or len(a.lines) < max(a.least, 1) or a.removed or a.stays or a.to_come:
            if not a.removed:
                keep.append(a)
            continue
        a.removed = True
        for path in (a.path, a.path[:-4] + ".dat"):
            if os.path.lexists(path):
                os.unlink(path)
        if a.kind == "folder":
            os.rmdir(os.path.dirname(a.path))
    alive[:] = keep


for_ever()
while True:
    now = time.monotonic()
    for when, action in [x for x in later if x[0] <= now]:
        action()
    later[:] = [x for x in later if x[0] > now]
    due = min(arrivals, int(arrivals * (now - begin) / seconds))
    while made < due:
        rng.choice(DRAW)(made)
        made += 1
    lines.look()
    tidy(now)
    if not killed and now - begin > seconds / 2:
        child.send_signal(signal.SIGKILL)
        child.wait()
        start()
        samples.append([])
        killed = True
    if child.poll() is not None:
        print("the watcher ended: %d" % child.returncode)
        break
    kib, descriptors = resident()
    samples[-1].append((kib, descriptors))
    if now - begin >= shown and made < arrivals:
        shown += seconds / 40
        curve.append((now - begin, made, lines.count, kib, descriptors))
    all_told = all(len(a.lines) >= a.least for a in alive)
    if made == arrivals and not later and (all_told or now - begin > 1.5 * seconds + 120):
        time.sleep(PATIENCE_S + 3)
        lines.look()
        break
    time.sleep(0.05)

kib, descriptors = resident()
curve.append((time.monotonic() - begin, made, lines.count, kib, descriptors))
child.send_signal(signal.SIGTERM)
code = child.wait()
lines.look()

# --- the account -----------------------------------------------------------------------------------------------------
kinds = {}
for a in expected.values():
    k = kinds.setdefault(a.kind, [0, 0, 0, 0, {}])
    k[0] += 1
    k[1] += len(a.lines)
    k[2] += len(a.lines) < a.least
    k[3] += a.is_wrong()
    for s in a.lines:
        k[4][s] = k[4].get(s, 0) + 1
print("%-28s %8s %8s %8s %8s  %s" % ("what", "files", "lines", "lost", "wrong", "statuses"))
for name, k in sorted(kinds.items()):
    print("%-28s %8d %8d %8d %8d  %s" % (name, *k[:4], " ".join("%s=%d" % x for x in sorted(k[4].items()))))
print("%-28s %8d %8d %8d %8d" % ("all", *(sum(k[j] for k in kinds.values()) for j in range(4))))
print("lines twice for one state: %d; lines of no file of ours: %d; exit code %d; killed and started again: %s"
      % (len(lines.twice), len(lines.strange), code, killed))
for d in lines.strange[:20] + lines.twice[:5]:
    print("  ", d)
for a in [a for a in expected.values() if len(a.lines) < a.least][:5]:
    print("   lost:", a.kind, repr(a.path))
for a in [a for a in expected.values() if a.is_wrong()][:5]:
    print("   wrong:", a.kind, repr(a.path), a.lines)
print("%8s %9s %9s %13s %12s" % ("seconds", "arrived", "lines", "resident KiB", "descriptors"))
largest = max(c[3] for c in curve) or 1
for c in curve:
    print("%8.0f %9d %9d %13d %12d  %s" % (*c, "#" * int(50 * c[3] / largest)))
flat = True
for i, life in enumerate(samples):
    first, second = life[len(life) // 4:len(life) // 2], life[len(life) // 2:]
    was, became = [[max([x[j] for x in part] or [0]) for j in range(2)] for part in (first, second)]
    # A map that grows takes its new place at once: 1 MiB is 3 % of what is there before anything has arrived.
    flat = flat and became[0] <= was[0] + 1024 and became[1] <= was[1] + 2
    print("life %d: at most %d KiB and %d descriptors in its second quarter, %d KiB and %d in its second half"
          % (i + 1, *was, *became))
with open(out + "/heartbeat", "rb") as f:
    beat = json.load(f)
adds_up = beat["waiting"] == 0 and beat["arrived"] == beat["scored"] + beat["rejected"] + beat["vanished"]
print("the last heartbeat: " + " ".join("%s=%s" % x for x in beat.items() if x[0] not in ("host", "pid", "time")))
lost = sum(k[2] for k in kinds.values())
wrong = sum(k[3] for k in kinds.values())
sys.exit(bool(lost or wrong or lines.twice or lines.strange or code or made != arrivals or not flat or not adds_up))
