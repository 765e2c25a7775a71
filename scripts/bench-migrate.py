# SPDX-License-Identifier: GPL-2.0-only
"""The arithmetic of scripts/bench-migrate.sh, which says what it is about.

bench-migrate.py summarize KERNEL HOSTS-REPEATED    objects, one a line, to one object
bench-migrate.py table                              an array of those to tables in Markdown
"""
import json
import statistics
import sys

METHODS = ("none", "auto-converge", "dirty-limit", "gentle", "bytes")
# The fewest parts of RAM that a working set has, of all that it is asked to save something on.
LARGE_PART = 0.12


def median(values):
    values = [value for value in values if value is not None]
    return round(statistics.median(values), 3) if values else None


def kept_pct(run, which):
    before = run[which + "_s_before"]
    return 100 * run[which + "_s_during"] / before if before else None


def lost_s(run, which):
    kept = kept_pct(run, which)
    return None if kept is None else run["during_ms"] / 1000 * (1 - kept / 100)


def works(workload, which):
    return workload == "mixed" if which == "read" else workload != "idle"


def summarize_row(workload, method, runs, still, ram, floor_ms):
    done = [run for run in runs if run["converged"]]
    # A row converges if all its runs do: a median over the others would be of the lucky ones.
    whole = len(done) == len(runs)
    row = {"workload": workload, "method": method, "runs": len(runs), "converged": len(done),
           "working_set": runs[0]["working_set_pages"] * 4096 / ram,
           "time_ratio": median(run["time_ms"] / floor_ms for run in runs) if whole else None,
           "bytes_ratio": median(run["bytes"] / ram for run in runs),
           "downtime_ms": median(run["downtime_ms"] for run in done) if whole else None,
           "downtime_max_ms": max((run["downtime_ms"] for run in done), default=None)}
    for which, name in (("written", "writer"), ("read", "reader")):
        if not works(workload, which):
            row.update({name + "_kept_pct": None, name + "_lost_s": None, "still_" + name + "_pct": None})
            continue
        row[name + "_kept_pct"] = median(kept_pct(run, which) for run in runs)
        row[name + "_lost_s"] = median(lost_s(run, which) for run in runs)
        floor = [round(kept_pct(run, which), 3) for run in still]
        row["still_" + name + "_pct"] = [min(floor), max(floor)] if floor else None
    return row


def summarize(kernel, repeated):
    runs = [json.loads(line) for line in sys.stdin]
    first = next(run for run in runs if run["method"] != "still")
    ram = first["ram_mib"] << 20
    bandwidth = first["bandwidth_bytes_s"]
    rows = []
    for workload in dict.fromkeys(run["workload"] for run in runs):
        here = [run for run in runs if run["workload"] == workload]
        still = [run for run in here if run["method"] == "still"]
        for method in METHODS:
            by = [run for run in here if run["method"] == method]
            if by:
                rows.append(summarize_row(workload, method, by, still, ram, 1000 * ram / bandwidth))
    print(json.dumps({"kernel": kernel, "qemu": first["qemu"], "ram_mib": first["ram_mib"],
                      "bandwidth_bytes_s": bandwidth, "downtime_limit_ms": first["downtime_limit_ms"],
                      "cut": first["cut"], "hosts_repeated": int(repeated), "runs": runs, "rows": rows}))


def show(value, digits):
    return "–" if value is None else f"{value:.{digits}f}"


def show_time(row):
    if row["time_ratio"] is not None:
        return show(row["time_ratio"], 2)
    return "never" if not row["converged"] else f"{row['converged']} of {row['runs']}"


def print_rows(doc):
    print("| workload | method | time ÷ (RAM ÷ bandwidth) | bytes ÷ RAM | downtime, ms | writer kept, % | lost, s "
          "| reader kept, % | lost, s |")
    print("|---|---|---|---|---|---|---|---|---|")
    last = None
    for row in doc["rows"]:
        workload = row["workload"] if row["workload"] != last else ""
        last = row["workload"]
        print(f"| {workload} | {row['method']} | {show_time(row)} | {show(row['bytes_ratio'], 2)} "
              f"| {show(row['downtime_ms'], 0)} | {show(row['writer_kept_pct'], 1)} | {show(row['writer_lost_s'], 1)} "
              f"| {show(row['reader_kept_pct'], 1)} | {show(row['reader_lost_s'], 2)} |")


def print_floor(doc):
    """How far from 100 % the same comes without a migration."""
    for which in ("writer", "reader"):
        ranges = {row["workload"]: row[f"still_{which}_pct"] for row in doc["rows"] if row[f"still_{which}_pct"]}
        text = ", ".join(f"{name} {low:.1f} to {high:.1f}" for name, (low, high) in ranges.items())
        print(f"{which}, without a migration, %: {text or 'not measured'}")


def goals_of(row, by):
    """Each goal that a row has: its name, the figure, the limit, and whether less is better."""
    if row["method"] not in ("gentle", "bytes"):
        return
    part = row["working_set"]
    yield "converges", row["converged"], row["runs"], False
    yield "time", row["time_ratio"], 1.15 if row["method"] == "bytes" else 1 + 1.1 * part, True
    for rival, share in (("auto-converge", 0.5), ("dirty-limit", 0.85)):
        if part >= LARGE_PART and rival in by:
            yield f"bytes, of {rival}", row["bytes_ratio"] / by[rival]["bytes_ratio"], share, True
    if row["reader_kept_pct"] is not None:
        yield "reader kept", row["reader_kept_pct"], 99.5, False
    if row["writer_kept_pct"] is not None and "dirty-limit" in by:
        yield "writer kept, dirty-limit's", row["writer_kept_pct"], by["dirty-limit"]["writer_kept_pct"], False


def print_goals(doc):
    rows = {}
    for row in doc["rows"]:
        rows.setdefault(row["workload"], {})[row["method"]] = row
    for row in doc["rows"]:
        goals = list(goals_of(row, rows[row["workload"]]))
        if goals:
            goals.append(("downtime", row["downtime_max_ms"], doc["downtime_limit_ms"], True))
        for name, figure, limit, less in goals:
            met = figure is not None and (figure <= limit if less else figure >= limit)
            print(f"{'met' if met else 'MISSED'}: {row['workload']}, {row['method']}: {name}: "
                  f"{show(figure, 3)}, {'at most' if less else 'at least'} {show(limit, 3)}")


def table():
    for doc in json.load(sys.stdin):
        print(f"Kernel {doc['kernel']}, QEMU {doc['qemu']}, {doc['ram_mib']} MiB, "
              f"{doc['bandwidth_bytes_s'] / 2**20:g} MiB/s, downtime-limit {doc['downtime_limit_ms']} ms, cut off after "
              f"{doc['cut']} × RAM ÷ bandwidth; hosts repeated: {doc['hosts_repeated']}.\n")
        print_rows(doc)
        print()
        print_floor(doc)
        print()
        print_goals(doc)


if __name__ == "__main__":
    if sys.argv[1:2] == ["summarize"]:
        summarize(*sys.argv[2:])
    else:
        table()
