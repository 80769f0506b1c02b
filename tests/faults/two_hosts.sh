# shellcheck shell=bash disable=SC2034 # variables are for those who source this
# Two hosts on one machine: network namespaces joined by a link whose rate can be set and which can be cut. Sourced.
#
#     two_hosts_new FOLDER || skip_all "$two_hosts_missing"
#     two_hosts_rate 1gbit                # or 100mbit, ...
#     two_hosts_run PROGRAM [ARGUMENT...] # two ranks, one on each host, MPI over TCP
#     two_hosts_end
#
# Needs root, ip and tc. $host_a and $host_b are the namespaces, v1 and v2 the ends of the link in them.

host_a=ein-a-$$ host_b=ein-b-$$
two_hosts_missing=''

# two_hosts_new FOLDER: FOLDER takes a helper script for the launcher.
two_hosts_new() {
    two_hosts_missing='needs ip and tc (iproute2)'
    command -v ip >/dev/null && command -v tc >/dev/null || return 1
    two_hosts_missing='cannot make network namespaces here'
    ip netns add "$host_a" 2>/dev/null || return 1
    ip netns add "$host_b" || return 1
    two_hosts_missing='cannot run programs in network namespaces here'
    ip netns exec "$host_a" true 2>/dev/null || return 1
    two_hosts_missing='cannot join network namespaces here'
    ip link add v1 netns "$host_a" type veth peer name v2 netns "$host_b" || return 1
    ip -n "$host_a" addr add 10.77.0.1/24 dev v1
    ip -n "$host_b" addr add 10.77.0.2/24 dev v2
    local space link
    while read -r space link; do
        ip -n "$space" link set lo up
        ip -n "$space" link set "$link" up
    done <<<"$host_a v1
$host_b v2"
    # In place of ssh: the command in the other host's namespace, under that host's name.
    two_hosts_agent=$1/agent
    cat >"$two_hosts_agent" <<AGENT
#!/bin/sh
case \$1 in 10.77.0.1) space=$host_a; name=a ;; 10.77.0.2) space=$host_b; name=b ;; esac
shift
exec ip netns exec \$space unshare --uts /bin/sh -c "hostname \$name; \$*"
AGENT
    chmod +x "$two_hosts_agent"
}

two_hosts_rate() {
    local space link
    while read -r space link; do
        ip netns exec "$space" tc qdisc replace dev "$link" root tbf rate "$1" burst 128kbit latency 50ms
    done <<<"$host_a v1
$host_b v2"
}

two_hosts_run() {
    ip netns exec "$host_a" unshare --uts sh -c 'hostname a; exec "$@"' - \
        mpirun --mca plm rsh --mca plm_rsh_agent "$two_hosts_agent" --host 10.77.0.1:1,10.77.0.2:1 --bind-to none \
        --mca pml ob1 --mca btl tcp,self --mca btl_tcp_if_include 10.77.0.0/24 --mca oob_tcp_if_include 10.77.0.0/24 \
        -n 2 "$@"
}

two_hosts_end() {
    ip netns del "$host_a" 2>/dev/null
    ip netns del "$host_b" 2>/dev/null
}
