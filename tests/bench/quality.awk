# From curves.csv of quality.sh: table.md, the ends of recipes and what it took to where the first one ends, and curves.svg.
BEGIN { FS = "," }
NR == 1 { next }
{
    run = $1 "-s" $2
    if (!(run in recipe_of)) { runs[++n_runs] = run; recipe_of[run] = $1 }
    if (!($1 in place)) { recipes[++n_recipes] = $1; place[$1] = n_recipes }
    if (!($7 in task_known)) { tasks[++n_tasks] = $7; task_known[$7] = 1 }
    k = ++points[run, $7]
    x[run, $7, k] = $6; y[run, $7, k] = $8; update[run] = $4; records[run] = $5; seconds[run] = $6; at[run, $7, k] = $4
    if ($6 > most) most = $6
    if (lowest == "" || $8 < lowest) lowest = $8
    if ($8 > highest) highest = $8
}
function end_of(run, task) { return y[run, task, points[run, task]] }
# Mean over the runs of a recipe at its end.
function mean_end(recipe, task,    i, sum, n) {
    for (i = 1; i <= n_runs; i++) if (recipe_of[runs[i]] == recipe) { sum += end_of(runs[i], task); n++ }
    return sum / n
}
# The first probe from which on a run never falls below the mark again; 0: it ends below.
function reached(run, task, mark,    k, first) {
    for (k = points[run, task]; k >= 1 && y[run, task, k] >= mark; k--) first = k
    return first
}
function cell(run, task,    k) {
    k = reached(run, task, mark[task])
    return k ? sprintf("%.0f (update %d)", x[run, task, k], at[run, task, k]) : "not reached"
}
function table(file,    i, t, line) {
    line = "| recipe, seed | updates | records | core-seconds"
    for (t = 1; t <= n_tasks; t++) line = line " | " tasks[t] " at the end | core-seconds to " sprintf("%.3f", mark[tasks[t]])
    print line " |" > file
    line = "|---|---|---|---"
    for (t = 1; t <= n_tasks; t++) line = line "|---|---"
    print line "|" > file
    for (i = 1; i <= n_runs; i++) {
        line = sprintf("| %s | %d | %d | %.0f", runs[i], update[runs[i]], records[runs[i]], seconds[runs[i]])
        for (t = 1; t <= n_tasks; t++) line = line sprintf(" | %.3f | %s", end_of(runs[i], tasks[t]), cell(runs[i], tasks[t]))
        print line " |" > file
    }
    close(file)
}
# A panel per task beside each other, a line per run, a colour per recipe.
function plot(file,    i, t, k, left, low, high, colour, text) {
    split("#b00020 #0050b0 #2a7d2a #b06000 #7030a0 #008080 #606060 #c04080 #505000 #4080ff", colour, " ")
    low = int(lowest * 50) / 50; high = (int(highest * 50) + 1) / 50
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d 400\" font-family=\"sans-serif\" font-size=\"12\">\n", 420 * n_tasks + 150 > file
    print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>" > file
    for (t = 1; t <= n_tasks; t++) {
        left = 50 + 420 * (t - 1)
        printf "<text x=\"%d\" y=\"20\">AUROC of a linear probe: %s</text>\n", left, tasks[t] > file
        for (k = low; k <= high + 1e-9; k += 0.02) {
            h = 350 - 310 * (k - low) / (high - low)
            printf "<path d=\"M%d %.1fh360\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>\n", left, h, left - 5, h + 4, k > file
        }
        for (k = 0; k <= 4; k++)
            printf "<text x=\"%d\" y=\"368\" text-anchor=\"middle\">%.0f</text>\n", left + 90 * k, most * k / 4 > file
        printf "<text x=\"%d\" y=\"388\" text-anchor=\"middle\">core-seconds of pretraining</text>\n", left + 180 > file
        h = 350 - 310 * (mark[tasks[t]] - low) / (high - low)
        printf "<path d=\"M%d %.1fh360\" stroke=\"#000\" stroke-dasharray=\"4 3\"/>\n", left, h > file
        for (i = 1; i <= n_runs; i++) {
            text = ""
            for (k = 1; k <= points[runs[i], tasks[t]]; k++)
                text = text sprintf("%s%.1f %.1f", k > 1 ? "L" : "M", left + 360 * x[runs[i], tasks[t], k] / most,
                    350 - 310 * (y[runs[i], tasks[t], k] - low) / (high - low))
            printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", text, colour[(place[recipe_of[runs[i]]] - 1) % 10 + 1] > file
        }
    }
    for (i = 1; i <= n_recipes; i++)
        printf "<text x=\"%d\" y=\"%d\" fill=\"%s\">%s</text>\n", 430 * n_tasks - 10, 40 + 18 * i, colour[(i - 1) % 10 + 1], recipes[i] > file
    print "</svg>" > file
    close(file)
}
END {
    if (!n_runs) exit 1
    for (t = 1; t <= n_tasks; t++) mark[tasks[t]] = mean_end(recipes[1], tasks[t])
    table(out "/table.md")
    plot(out "/curves.svg")
}
