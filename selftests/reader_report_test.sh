#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader's report of recordings: all views of one in all forms, parts of it, and files that are damaged.
#
# Needs neither root nor the module: fake_recording has written the file. KVMETER is the reader.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
. "$dir/schema.sh"
reader=${KVMETER:-$dir/../bpf/kvmeter}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
rec=$tmp/rec
export TZ=UTC

# Every view there is, as report takes it.
views=("list" "list --by vcpu" "stat" "stat web" "ledger" "ledger --by vcpu" "exits" "exits web" "exits --by vcpu"
	"exits --by class" "exits --by reason" "exits --by sub" "steal" "steal --by vcpu" "steal --by thief"
	"steal --by cause" "wakeups" "wakeups --by vcpu" "dirty" "dirty --by vcpu" "dirty status" "quota" "migrate"
	"migrate web" "autoconverge" "doctor" "doctor web 20" "stat 20" "exits 20 2" "ledger --by vcpu 7" "quota web 10 3")

# report ARGUMENT...: run it; its output is in $tmp/out and $tmp/err, its status in $status
report()
{
	"$reader" report "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
}

# gives STATUS ARGUMENT...: it prints something, and no more than one line on standard error
gives()
{
	local want=$1

	shift
	report "$@"
	[ "$status" = "$want" ] || { fail "$* gave $status: $(cat "$tmp/err")"; return; }
	[ -s "$tmp/out" ] || { fail "$* printed nothing"; return; }
	if [ "$want" = 0 ]; then
		[ ! -s "$tmp/err" ] || fail "$* said: $(cat "$tmp/err")"
	else
		[ "$(wc -l <"$tmp/err")" = 1 ] || fail "$* did not say one line: $(cat "$tmp/err")"
	fi
}

# refuses STATUS TEXT ARGUMENT...: it prints nothing but a line with TEXT
refuses()
{
	local want=$1 text=$2

	shift 2
	report "$@"
	[ "$status" = "$want" ] && [ ! -s "$tmp/out" ] && grep -qF -- "$text" "$tmp/err" ||
		fail "$* gave $status and '$(cat "$tmp/err")', not $want and '$text'"
}

# python CODE: with the documents in $tmp/out as d, those in $tmp/out.N as by(N)
python()
{
	python3 - "$tmp" "$1" <<-'PYTHON' || fail "not so: $1"
		import csv, json, sys
		def by(name):
		    return [json.loads(line) for line in open(sys.argv[1] + "/out" + name)]
		def table(name):
		    return list(csv.reader(open(sys.argv[1] + "/out" + name, newline="")))
		exec(sys.argv[2])
	PYTHON
}

case_all_views()
{
	local view

	for view in "${views[@]}"; do
		# shellcheck disable=SC2086 # words
		gives 0 "$rec" $view && gives 0 "$rec" $view --json && gives 0 "$rec" $view --csv || return
	done
	gives 0 "$rec" exits --hist && gives 0 "$rec" steal --matrix
}

# Documents of all views, and those that no recording has.
print_documents()
{
	local view

	for view in "${views[@]}"; do
		# shellcheck disable=SC2086 # words
		gives 0 "$rec" $view --json || return
		cat "$tmp/out" >&3
	done 3>"$tmp/documents"
	"$reader" metrics --json >>"$tmp/documents" && "$reader" doctor --rules --json >>"$tmp/documents" && "$dir/fake_documents" >>"$tmp/documents"
}

# check_all CODE: all of them, as check_documents has it
check_all()
{
	print_documents && check_documents "$tmp/documents" "$1" >"$tmp/seen" || return
	[ "$(cat "$tmp/seen")" = "autoconverge dirty dirty-status doctor doctor-rules exits ledger list log metrics migrate quota quota-set stat steal wakeups" ] ||
		fail "not all documents were there: $(cat "$tmp/seen")"
}

case_schema_by_hand()
{
	check_all "$schema_by_hand"
}

case_schema_by_validator()
{
	check_all "$schema_by_validator"
}

# The cells of CSV are the values of JSON, found by the names of the columns.
case_csv_is_json()
{
	local view

	for view in "${views[@]}"; do
		# shellcheck disable=SC2086 # words
		gives 0 "$rec" $view --json && cp "$tmp/out" "$tmp/out.json" && gives 0 "$rec" $view --csv || return
		python '
header, *rows = table("")
assert len(set(header)) == len(header), "a column comes twice"
assert all(len(row) == len(header) for row in rows)
def text(v):
    return "" if v is None else str(v).lower() if isinstance(v, bool) else v if isinstance(v, str) else repr(v)
# values by their path, of which an array of objects has one for each element
def walk(v, path, at, out):
    if isinstance(v, dict):
        for key in v:
            walk(v[key], path + [key], at, out)
    elif isinstance(v, list) and v and isinstance(v[0], dict):
        for i, e in enumerate(v):
            walk(e, path, at + (i,), out)
    elif isinstance(v, list) and (not v or isinstance(v[0], str)):
        out.setdefault(".".join(path), {})[at] = " ".join(v)
    elif isinstance(v, list):
        for i, e in enumerate(v):
            out.setdefault(".".join(path) + "." + str(i), {})[at] = text(e)
    else:
        out.setdefault(".".join(path), {})[at] = text(v)
values = {}
for i, d in enumerate([json.loads(line, parse_float=lambda s: s) for line in open(sys.argv[1] + "/out.json")]):
    walk(d, [], (i,), values)
# rows are the elements of the array that the longest names are in
deepest = max((n for n in header if n in values), key=lambda n: max(map(len, values[n])))
places = list(values[deepest])
assert len(places) == len(rows) > 0, (len(places), len(rows), deepest)
for place, row in zip(places, rows):
    for name, cell in zip(header, row):
        column = values.get(name, {})
        found = [column[place[:n]] for n in range(len(place), 0, -1) if place[:n] in column]
        assert cell == (found[0] if found else ""), (name, cell, found)
		' || { fail "$view: $why"; return; }
	done
}

case_csv_form()
{
	gives 0 "$rec" stat 20 --csv || return
	[ "$(grep -c '^abi,' "$tmp/out")" = 1 ] || fail "columns are not named once" || return
	[ "$(grep -c $'\r$' "$tmp/out")" = "$(wc -l <"$tmp/out")" ] || fail "lines do not end as RFC 4180 has it" || return
	grep -q ',"db,1",' "$tmp/out" && grep -q ',"a ""b""",' "$tmp/out" || fail "names are not quoted" || return
	refuses 64 "--by thief" "$rec" steal --matrix --csv
	# the columns do not depend on what there is to show
	gives 0 "$rec" exits --csv && head -n 1 "$tmp/out" >"$tmp/out.full" && gives 0 "$rec" exits -z --csv 30 &&
		head -n 1 "$tmp/out" | cmp -s - "$tmp/out.full" || fail "the columns are others"
}

# what happened in parts is what happened in all; a VM that comes and goes is only there while it was
case_intervals_add_up()
{
	gives 0 "$rec" stat --json && cp "$tmp/out" "$tmp/out.all" && gives 0 "$rec" stat 15 --json || return
	python '
(whole,), parts = by(".all"), by("")
assert whole["interval_ns"] == 60000000000 and len(parts) == 4
assert [p["interval_ns"] for p in parts] == [15000000000] * 4
for vm in whole["vms"]:
    for key in "exits", "kernel_ns", "steal_ns", "wakeups":
        assert vm[key] == sum(v[key] for p in parts for v in p["vms"] if v["id"] == vm["id"]) > 0, key
assert [len(p["vms"]) for p in parts] == [3, 3, 3, 2]
	' || return
	# of that VM alone, as long as it was there: from 10 s to 55 s
	gives 0 "$rec" stat 'a "b"' --json && python '
assert by("")[0]["interval_ns"] == 45000000000 and by("")[0]["now_ns"] == 1055000000000' || return
	refuses 1 "no VM has the name" "$rec" stat nobody
}

case_parts()
{
	local from to want

	while read -r from to want; do
		gives 0 "$rec" --from "$from" --to "$to" stat --json || return
		python "d = by('')[0]; assert [d['now_ns'] // 10**9 - 1000, d['interval_ns'] // 10**9] == [$want], d" || return
	done <<-EOF
		0 1h 60,60
		10 20 20,10
		11 +14 25,10
		-20s -5s 55,15
		12:00:30 12:00:45 45,15
		2026-11-22T12:00:05Z 2026-11-22T13:00:30+01:00 30,25
	EOF
	gives 0 "$rec" --from 20 --to 20 stat --json &&
		python 'assert by("")[0]["interval_ns"] == 0 and by("")[0]["now_ns"] == 1020000000000' || return
	refuses 1 "has no snapshot there" "$rec" --from 2030-01-01 stat &&
		refuses 1 "which is no interval" "$rec" --from 20 --to 20 quota &&
		refuses 1 "has no interval of 3600 s" "$rec" stat 1h &&
		refuses 64 "'yesterday' is no point in time" "$rec" --from yesterday stat
}

# Of something else there is no recording, and nothing can be changed in one.
case_not_of_a_recording()
{
	refuses 64 "there is no view 'forecast'" "$rec" forecast web &&
		refuses 64 "'start' needs the module" "$rec" dirty start web &&
		refuses 64 "needs the module" "$rec" quota web 5M &&
		refuses 64 "needs the module" "$rec" autoconverge web on &&
		refuses 64 "needs the module" "$rec" dirty web --heat &&
		refuses 64 "which view" "$rec" &&
		refuses 1 "no recording" "$reader" stat &&
		refuses 1 "No such file" "$tmp/none" stat
}

# cut off anywhere: what is there is used
case_cut_off()
{
	local size cut

	size=$(stat -c %s "$rec")
	cp "$rec" "$tmp/cut"
	for cut in $((size - 1)) $((size * 3 / 4)) $((size * 5 / 8)); do
		truncate -s "$cut" "$tmp/cut"
		gives 2 "$tmp/cut" stat --json && grep -q 'is damaged or cut off at byte [0-9]*: the rest of it is used' "$tmp/err" ||
			return
		python 'd = by("")[0]; assert len(d["vms"]) > 1 and 0 < d["interval_ns"] < 60e9, d["interval_ns"]' || return
	done
	truncate -s 400 "$tmp/cut"
	refuses 2 "has no snapshot" "$tmp/cut" stat
}

# Bits that are others anywhere, and snapshots with a checksum that fits: no view of it takes longer or says
# more than one line, and none ends by a signal.
case_tampered()
{
	local i view at size rounds=40

	[ -z "${KVMETER_LONG:-}" ] || rounds=2000
	size=$(stat -c %s "$rec")
	for ((i = 0; i < rounds; i++)); do
		view=${views[i % ${#views[@]}]}
		if [ $((i % 2)) = 0 ]; then
			at=$(((i * 7919 + 344) % size))
			cp "$rec" "$tmp/bad"
			printf %b "\\x$(printf %02x $((i * 37 % 256)))" | dd of="$tmp/bad" bs=1 seek="$at" conv=notrunc 2>/dev/null
		else
			"$dir/fuzz_recording" "$i" "$tmp/bad" || fail "fuzz_recording" || return
		fi
		# shellcheck disable=SC2086 # words
		timeout 20 "$reader" report "$tmp/bad" $view --json >"$tmp/out" 2>"$tmp/err"
		status=$?
		# 3: doctor finds something wrong there
		[ "$status" -le 3 ] && [ "$(wc -l <"$tmp/err")" -le 2 ] ||
			fail "round $i, $view gave $status: $(head -c 2000 "$tmp/err")" || return
		python 'by("")' || return
		# shellcheck disable=SC2086 # words
		timeout 20 "$reader" report "$tmp/bad" $view >"$tmp/out" 2>"$tmp/err"
		[ $? -le 3 ] || fail "round $i, $view as a table gave more than 3: $(head -c 2000 "$tmp/err")" || return
		! LC_ALL=C grep -q $'[\001-\010\013-\037\177]' "$tmp/out" || fail "round $i, $view prints what steers a terminal" || return
	done
}

# With what finds a byte too many, where the compiler has that.
case_tampered_memory()
{
	local rounds=3000

	[ -z "${KVMETER_LONG:-}" ] || rounds=100000
	"$dir/fuzz_recording" "$rounds" >"$tmp/out" 2>"$tmp/err" || fail "$(head -c 3000 "$tmp/err")" || return
	# not all of them were refused at once, and not all were taken
	awk '{ exit !($1 > $3 / 100 && $1 < $3) }' "$tmp/out" || fail "$(cat "$tmp/out")"
}

cases="all_views schema_by_hand schema_by_validator csv_is_json csv_form intervals_add_up parts not_of_a_recording
	cut_off tampered tampered_memory"

"$dir/fake_recording" "$rec" 13 5000 >/dev/null || { echo "Bail out! no recording"; exit 1; }
# shellcheck disable=SC2086 # words
set -- $cases
echo "TAP version 13"
echo "1..$#"
for case; do
	if [ "$case" = schema_by_validator ] && ! python3 -c 'import jsonschema' 2>/dev/null; then
		skip_case "$case" "Python has no module jsonschema (package python3-jsonschema)"
		continue
	fi
	run_case "$case"
done
[ $failed = 0 ]
