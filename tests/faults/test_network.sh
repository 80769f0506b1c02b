#!/bin/bash
# timeout: 600
# Two ranks on two hosts (network namespaces) over a slow link: the same bytes; with the link unplugged both ranks end
# with a message, and the run resumes. SYNTHETIC records.
. "$(dirname "$0")/../lib.sh"

. "$root/tests/faults/two_hosts.sh"

trap 'two_hosts_end; rm -rf "$tmp"' EXIT
two_hosts_new "$tmp" || skip_all "$two_hosts_missing"

cat >"$tmp/small.yaml" <<'YAML'
contract: {leads: [I, II, V1, V2], fs_hz: 50, samples: 500}
model: {patch: 25, width: 48, depth: 2, heads: 3, mlp: 96, decoder_width: 24, decoder_depth: 1, decoder_heads: 2, decoder_mlp: 48}
train: {epochs: 30, batch: 16, slots: 4, warmup_epochs: 1, threads: 1}
data: {validation_fraction: 0.1}
run: {log_seconds: 1000, checkpoint_minutes: 0, checkpoint_steps: 20, peer_timeout_s: 8}
YAML
printf 'contract: {leads: [I, II, V1, V2], fs_hz: 50, samples: 500}\n' >"$tmp/ingest.yaml"
ok 'synthetic records' "$einthoven" synth --out "$tmp/ecg" --set synth.records=120 --set synth.seed=5
ok 'corpus' "$einthoven" ingest "$tmp/ingest.yaml" "$tmp/ecg" --out "$tmp/corpus.h5"

# two_hosts FOLDER [OPTION...]
two_hosts() {
    local folder=$1
    shift
    two_hosts_run "$einthoven" pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$folder" "$@"
}

# within SECONDS COMMAND...: try until it succeeds.
within() {
    local tries=$(($1 * 10))
    shift
    while ! "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.1
    done
}

# A closed port of a host within reach refuses the connection; one out of reach says nothing, or that there is no route.
reaches() {
    LC_ALL=C ip netns exec "$1" timeout 1 bash -c "exec 3<>/dev/tcp/$2/9" 2>&1 | grep -q 'refused'
}

# Launchers of Open MPI that lost each other end on their own; those that do not are ended.
nobody_home() {
    local pids
    pids=$(ip netns pids "$host_a"; ip netns pids "$host_b")
    [ -z "$pids" ] && return 0
    # shellcheck disable=SC2086
    kill $pids 2>/dev/null
    return 1
}

ok 'one rank, no network' "$einthoven" pretrain "$tmp/small.yaml" --corpus "$tmp/corpus.h5" --run "$tmp/alone"
final=$(basename "$(find "$tmp/alone/ckpt" -name 'step-*.h5' | sort | tail -n 1)")
for rate in 1gbit 100mbit; do
    two_hosts_rate "$rate"
    ok "two hosts over $rate" two_hosts "$tmp/$rate"
    ok "$rate: the same bytes" cmp "$tmp/alone/ckpt/$final" "$tmp/$rate/ckpt/$final"
    ok "$rate: the same metrics" cmp "$tmp/alone/metrics.csv" "$tmp/$rate/metrics.csv"
done

# Ten times the epochs, so that the run is surely under way when the link goes down.
two_hosts "$tmp/cut" --set train.epochs=3000 >"$tmp/cut.out" 2>&1 &
launcher=$!
for _ in $(seq 1 3000); do
    [ "$(wc -l 2>/dev/null <"$tmp/cut/metrics.csv" || echo 0)" -ge 30 ] && break
    sleep 0.01
done
ip -n "$host_a" link set v1 down
for _ in $(seq 1 300); do
    pgrep -f "run $tmp/cut " >/dev/null || break
    sleep 0.1
done
ok 'both ranks have ended' sh -c "! pgrep -x einthoven -a | grep -F '$tmp/cut'"
like 'with a message' "$(cat "$tmp/cut.out")" 'no progress for .* a peer or the network is lost|lost connection|ORTE has lost'
kill "$launcher" 2>/dev/null
wait "$launcher" 2>/dev/null
ok 'nothing of the run is left on either host' within 30 nobody_home
ip -n "$host_a" link set v1 up
# The kernel lets frames through only some time after the link is up again; a launcher that comes first gives up.
ok 'host a reaches host b' within 30 reaches "$host_a" 10.77.0.2
ok 'host b reaches host a' within 30 reaches "$host_b" 10.77.0.1
ok 'plugged in again, the run goes on' two_hosts "$tmp/cut" --set train.epochs=3000 --set run.max_steps=60
like 'from its checkpoint' "$(cat "$tmp/cut/log.txt")" 'resumed from the checkpoint of update'

done_testing
