#!/usr/bin/env python3
"""Counts of the shipped tasks on the real development set, computed from its tables without Einthoven.

  targets_expected.py FOLDER > targets_expected.csv       FOLDER: what EINTHOVEN_DATA names

source   labels: labels.csv (all cohorts; statements between |); ptbxl: ptbxl_database.csv (dicts scp_codes)
part     all, or test: records of strat_fold 10
included records of the task; positive, negative, missing among them; sum: of a regression's values

Lists of statements come from scp_statements.csv, not from the task descriptions. Ages of 300 mean over 89 and count as 90.
"""
import ast
import csv
import math
import sys

folder = sys.argv[1]
FINDINGS = "AF AFL SB ST IAVB RBBB IRBBB LBBB LAFB LVH PVC PAC MI PACE".split()


def table(name):
    with open(f"{folder}/{name}", newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


statements = {row[""]: row for row in table("ptbxl/scp_statements.csv")}
targets = {kind: sorted(s for s, row in statements.items() if row[kind]) for kind in ("diagnostic", "form", "rhythm")}
targets["all"] = sorted(statements)
superclass = {s: row["diagnostic_class"] for s, row in statements.items() if row["diagnostic"]}


def present(likelihoods, wanted, least=0.0):
    """1, 0 or None (present, but too unlikely) of the statements `wanted`."""
    found = [likelihoods[s] for s in wanted if s in likelihoods]
    if any(x >= least for x in found):
        return 1
    return None if found else 0


def text_task(name, rows, least=0.0):
    """Per record a list of values, or None if it is not in the task."""
    kind = name.rstrip("0123456789")
    if kind == "superclass":
        groups = {c: [s for s in superclass if superclass[s] == c] for c in ("NORM", "MI", "STTC", "CD", "HYP")}
    else:
        groups = {s: [s] for s in targets[kind]}
    values = []
    for row in rows:
        if not row["likelihoods"]:
            values.append(None)
            continue
        mine = [present(row["likelihoods"], wanted, least) for wanted in groups.values()]
        values.append(mine if 1 in mine else None)
    return list(groups), values


def number_task(names, rows):
    values = [[row["numbers"].get(n) for n in names] for row in rows]
    return names, [v if any(x is not None for x in v) else None for v in values]


def age(text):
    if text == "":
        return None
    return 90.0 if float(text) == 300 else float(text)


def read_labels():
    rows = []
    for row in table("labels.csv"):
        numbers = {f: float(row[f]) for f in FINDINGS if row[f] != ""}
        if age(row["age"]) is not None:
            numbers["age"] = age(row["age"])
        if row["sex"]:
            numbers["sex"] = {"M": 0.0, "F": 1.0}[row["sex"]]
        text = row["scp_statements"]
        rows.append({"likelihoods": dict.fromkeys(text.split("|"), 100.0) if text else {},
                     "fold": row["strat_fold"], "numbers": numbers})
    return rows


def read_ptbxl():
    rows = []
    for row in table("ptbxl/ptbxl_database.csv"):
        numbers = {"age": age(row["age"])} if row["age"] else {}
        if row["sex"]:
            numbers["sex"] = float(row["sex"])
        rows.append({"likelihoods": ast.literal_eval(row["scp_codes"]), "fold": row["strat_fold"],
                     "numbers": numbers})
    return rows


def put(source, task, rows, names, values, regression=False):
    for part in ("all", "test"):
        kept = [v for row, v in zip(rows, values) if v is not None and (part == "all" or row["fold"] == "10")]
        for j, name in enumerate(names):
            column = [v[j] for v in kept]
            known = [x for x in column if x is not None]
            if regression:
                out = [len(known), 0, len(column) - len(known), repr(math.fsum(known))]
            else:
                out = [known.count(1), known.count(0), len(column) - len(known), ""]
            writer.writerow([source, task, part, name, len(kept), *out])


writer = csv.writer(sys.stdout, lineterminator="\n")
writer.writerow("source task part target included positive negative missing sum".split())
for source, rows in (("labels", read_labels()), ("ptbxl", read_ptbxl())):
    for task in ("superclass", "diagnostic", "form", "rhythm", "all"):
        put(source, task, rows, *text_task(task, rows))
    if source == "ptbxl":
        put(source, "diagnostic50", rows, *text_task("diagnostic50", rows, 50.0))
    else:
        put(source, "findings", rows, *number_task(FINDINGS, rows))
    put(source, "sex", rows, *number_task(["sex"], rows))
    put(source, "age", rows, *number_task(["age"], rows), regression=True)
