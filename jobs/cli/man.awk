# The help of the program or of a subcommand (stdin) as a manual page: awk -v version="einthoven 0.1.0" -f man.awk
#
# Help is made of: a first line "einthoven NAME: summary"; "Usage:"; paragraphs, whose indented lines are commands as they
# are typed; "Options:" and other headings, with entries of two blanks and texts behind or below them.
function text(s) {
    gsub(/\\/, "\\e", s)
    gsub(/-/, "\\-", s)
    if (s ~ /^[.']/) s = "\\&" s
    return s
}
function literal(on) {
    if (on && !is_literal) print ".PP\n.in +4n\n.nf"
    if (!on && is_literal) print ".fi\n.in"
    is_literal = on
}
# "  --out FOLDER            text", "  model.width = 128", "  synth      text": what is named, then what it means.
function entry(s,    at, name, what) {
    sub(/^  /, "", s)
    at = match(s, /   *[^ ]/)
    name = at ? substr(s, 1, at - 1) : s
    what = at ? substr(s, at) : ""
    if (!at && heading !~ /^CONFIG/ && match(s, /^[^ ]+ [a-z0-9]/) && s !~ /^--/) {
        name = substr(s, 1, index(s, " ") - 1)
        what = substr(s, index(s, " ") + 1)
    }
    sub(/^ +/, "", what)
    print ".TP\n.B " text(name)
    if (what != "") print text(what)
}
NR == 1 {
    name = "einthoven"
    summary = $0
    if ($0 ~ /^einthoven [a-z-]+: /) {
        name = "einthoven-" $2
        sub(/:$/, "", name)
        sub(/^[^:]*: /, "", summary)
    }
    sub(/^Einthoven /, "", summary)
    sub(/\.$/, "", summary)
    printf ".\\\" Made of the program's own help; change that.\n.TH %s 1 \"\" \"%s\" \"Einthoven\"\n", toupper(text(name)), version
    print ".SH NAME\n" text(name) " \\- " text(summary)
    next
}
/^Usage: / {
    print ".SH SYNOPSIS\n.nf"
    sub(/^Usage: /, "")
    print text($0)
    usage = 1
    next
}
usage && /^ / { sub(/^ +/, ""); print text($0); next }
usage { usage = 0; print ".fi"; if (name != "einthoven") print ".SH DESCRIPTION"; next }
/^(Options|Subcommands):$/ {
    literal(0)
    sub(/:$/, "")
    heading = toupper($0)
    print ".SH " heading
    next
}
/^Configuration keys / { literal(0); heading = "CONFIGURATION"; print ".SH CONFIGURATION" }
/^Manual: / { literal(0); heading = "MANUAL"; print ".SH MANUAL" }
/^Exit code: / && name == "einthoven" { literal(0); heading = ""; print ".SH EXIT STATUS" }
/^$/ { literal(0); print ".PP"; next }
heading && /^  [^ ]/ { entry($0); next }
heading && /^   / { sub(/^ +/, ""); print text($0); next }
/^ / { literal(1); sub(/^  /, ""); sub(/^  /, ""); print text($0); next }
{ literal(0); print text($0) }
END {
    literal(0)
    print ".SH SEE ALSO"
    if (name == "einthoven") print "The pages of the subcommands, such as\n.BR einthoven\\-pretrain (1)."
    else print ".BR einthoven (1)."
    print "\\(lqeinthoven help TOPIC\\(rq prints the manual."
}
