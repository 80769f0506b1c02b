# `make help`: the targets that have a `##` behind them, under the `##@ GROUP` before them; groups in the order of `order`.
BEGIN {
    n = split("Build|Try|Test|Test further|Measure|Change", order, "|")
    for (i = 1; i <= n; i++) known[order[i]] = 1
    print "make TARGET [VARIABLE=VALUE ...]"
}
/^##@ / {
    group = substr($0, 5)
    if (!(group in known)) order[++n] = group
    known[group] = 1
}
/^[a-z_.-]+:.*## / {
    name = $0
    sub(/:.*/, "", name)
    what = $0
    sub(/.*## /, "", what)
    text[group] = text[group] sprintf("  %-22s %s\n", name, what)
}
END {
    for (i = 1; i <= n; i++)
        if (text[order[i]] != "") printf "\n%s\n%s", order[i], text[order[i]]
}
