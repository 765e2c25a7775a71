#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Manual pages and completion say what the program, the module and the header say; and all that make install leaves
# make uninstall takes away.
#
# Needs neither root nor a module that is loaded. KVMETER is the reader, KVMETER_KO the module.
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
top=$dir/..
reader=${KVMETER:-$top/bpf/kvmeter}
ko=${KVMETER_KO:-$top/kvmeter.ko}
header=$top/include/uapi/linux/kvmeter.h
bpftool=$(PATH=$PATH:/usr/sbin command -v bpftool)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C.UTF-8

# plain PAGE: its text, without what roff has to be told
plain()
{
	sed 's/\\-/-/g; s/\\(aq/'\''/g; s/\\(ha/^/g; s/^\.[A-Z]* //' "$1"
}

case_version()
{
	version=$(sed -n 's/^#define KVMETER_VERSION "\(.*\)"$/\1/p' "$top/include/kvmeter/version.h")
	[ -n "$version" ] && "$reader" --version | grep -q "^kvmeter $version, ABI " &&
		[ "$(modinfo -F version "$ko")" = "$version" ] && grep -q "^.TH KVMETER 8 .*kvmeter $version" "$top/bpf/kvmeter.8" &&
		grep -q "^.TH KVMETER 4 .*kvmeter $version" "$top/kvmeter.4" || fail "not the same everywhere"
}

# each with all its options, and in the program's own help
case_commands_and_options()
{
	local command option

	plain "$top/bpf/kvmeter.8" >"$tmp/page"
	while read -r command; do
		"$reader" --help | grep -Eq "(^  | )$command( |,|:|$)" || fail "--help does not name $command" || return
		awk -v title="KVMETER ${command^^}" '$0 == title { on = 1; print; next } /^KVMETER [A-Z ]+$|^FILES$/ { on = 0 } on' \
			"$tmp/page" >"$tmp/section"
		[ -s "$tmp/section" ] || fail "no section of $command" || return
		# shellcheck disable=SC2086 # a verb is a word of its own
		for option in $("$reader" $command --help | sed '/^ .*--help/,$d' | grep -o -- '--[a-z-]*'); do
			grep -q -- "$option" "$tmp/section" || fail "$command $option is not there" || return
		done
	done < <("$reader" --commands | grep -v FILE)
	[ "$("$reader" --commands | wc -l)" -gt 30 ] || fail "hardly any command"
}

# names_of EXPRESSION FILE: what there is of them in the file, each once
names_of()
{
	sed -n "$1" "$2" | sort -u
}

case_maps_and_ioctls()
{
	local name

	plain "$top/kvmeter.4" >"$tmp/page"
	for name in $(names_of 's/^} \(kvmeter_[a-z]*\) SEC.*/\1/p' "$top/bpf/kvmeter.bpf.c") \
		$(names_of 's/^#define \(KVMETER_[A-Z_]*\) _IO.*/\1/p' "$header"); do
		grep -q "$name" "$tmp/page" || fail "$name is not there" || return
		echo "$name"
	done >"$tmp/names"
	[ "$(wc -l <"$tmp/names")" = $((9 + 8)) ] || fail "$(wc -l <"$tmp/names") maps and ioctls"
}

# every field of every struct that is in a map or read from the device, with a line that says what it is
case_fields()
{
	local struct

	for struct in hist host index vm vcpu exit sub thief dirty migration round audit; do
		awk -v name="kvmeter_$struct" '$1 == "struct" && $2 == name && $3 == "{" { on = 1; next } /^};/ { on = 0 }
			on { gsub(/^[ \t]+|;.*$/, ""); print }' "$header" >"$tmp/fields"
		awk -v title="struct kvmeter_$struct" '$0 == title { on = 1; next } /^struct kvmeter_[a-z]*$|^IOCTLS$/ { on = 0 } on' \
			"$tmp/page" >"$tmp/section"
		[ -s "$tmp/fields" ] || fail "kvmeter_$struct: no fields" || return
		while read -r field; do
			grep -A 1 -xF "$field" "$tmp/section" | grep -vxF "$field" | grep -q '[A-Za-z0-9]' ||
				fail "kvmeter_$struct: $field is not there" || return
		done <"$tmp/fields"
	done
}

case_parameters()
{
	sed -n '/^PARAMETERS$/,/^DEBUGFS$/{ /^\.TP/{ n; p; }; }' "$tmp/page" | sort >"$tmp/told"
	modinfo -F parm "$ko" | sed 's/:.*//' | sort | diff "$tmp/told" - >"$tmp/out" || fail "$(cat "$tmp/out")"
}

# offers "WORD..." WORD...: what bash would offer for the last of these words is the first
offers()
{
	local expected=$1

	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_kvmeter "$reader"
	[ "${COMPREPLY[*]}" = "$expected" ] || fail "$*: '${COMPREPLY[*]}', not '$expected'"
}

case_completion()
{
	. "$top/scripts/kvmeter.bash-completion" || fail "not there" || return
	: >"$tmp/night.rec"
	offers "$("$reader" --commands | grep -v ' ' | xargs)" kvmeter '' && offers "stat steal status" kvmeter st &&
		offers "start stop status" kvmeter dirty '' && offers "--duration=" kvmeter dirty start --du &&
		offers "vm vcpu thief cause" kvmeter steal --by = '' && offers "vcpu" kvmeter steal --by vc &&
		offers "class" kvmeter exits -b cl && offers "gentle bytes" kvmeter autoconverge --goal = '' &&
		offers "off observe on default" kvmeter autoconverge x '' && offers "off" kvmeter quota x o &&
		offers "$tmp/night.rec" kvmeter report "$tmp/ni" && offers "list ledger" kvmeter report "$tmp/night.rec" l &&
		offers "--from=" kvmeter report --f && offers "stat steal" kvmeter report --from 5 "$tmp/night.rec" st &&
		offers "--matrix" kvmeter report "$tmp/night.rec" steal --m && offers "" kvmeter nonsense '' &&
		offers "" kvmeter "x/e;" '' && offers "--help" kvmeter --h
}

# No map is attached by somebody who only looks for a word; and a name of a VM is a word, whatever is in it.
case_completion_of_vms()
{
	mkdir "$tmp/bin" "$tmp/pins"
	# shellcheck disable=SC2016 # for the script
	printf '#!/bin/sh\n[ "$1" != list ] || exec cat %s/list\nexec %s "$@"\n' "$tmp" "$reader" >"$tmp/bin/kvmeter"
	chmod +x "$tmp/bin/kvmeter"
	# shellcheck disable=SC2016 # that is what must not be expanded
	printf '{"vms":[{"name":"web 1","id":"7-8"},{"name":"$(touch %s)","id":"9-8"},{"name":"w\\"","id":"3-4"}]}' \
		"$tmp/executed" >"$tmp/list"
	local reader=$tmp/bin/kvmeter KVMETER_COMPLETION_PINS=$tmp/pins

	offers "" kvmeter ledger '' || return
	: >"$tmp/pins/kvmeter_vms"
	offers 'web\ 1' kvmeter ledger we && offers 'web\ 1' kvmeter ledger -g we && offers 7-8 kvmeter quota 7 &&
		offers "$(printf %q "\$(touch $tmp/executed)")" kvmeter dirty start '\$' || return
	[ ! -e "$tmp/executed" ] || fail "executed"
}

# compile_example PREFIX: as a user would who has copied it; the header is there
compile_example()
{
	cp -r "$1/share/doc/kvmeter/examples" "$tmp/example" &&
		(
			cd "$tmp/example" &&
				clang -O2 -g -target bpf -I"$1/include" -idirafter "/usr/include/$(gcc -print-multiarch)" \
					-c example_steal.bpf.c -o example_steal.bpf.o &&
				"$bpftool" gen skeleton example_steal.bpf.o name example_steal_bpf >example_steal.skel.h &&
				gcc -O2 -I"$1/include" -o example_steal example_steal.c -lbpf && ./example_steal --nonsense
			[ $? = 64 ]
		) >"$tmp/out" 2>&1 || fail "$(tail -n 3 "$tmp/out")"
}

# make is told of the kernel by whoever runs this, or else by the module.
case_install_and_uninstall()
{
	local to=$tmp/host release

	release=$(modinfo -F vermagic "$ko" | cut -d ' ' -f 1)
	make -C "$top" install DESTDIR="$to" prefix=/usr "KREL=$release" >"$tmp/out" 2>&1 || fail "$(tail -n 3 "$tmp/out")" || return
	# some kernels have their modules compressed
	(cd "$to" && find . -type f ! -name 'modules.*' | sed 's/\.ko\..z$/.ko/' | sort) >"$tmp/there"
	diff - "$tmp/there" <<-END >"$tmp/out" || fail "$(cat "$tmp/out")" || return
		./etc/default/kvmeter-exporter
		./lib/modules/$release/updates/kvmeter.ko
		./usr/include/linux/kvmeter.h
		./usr/lib/systemd/system/kvmeter-exporter.service
		./usr/sbin/kvmeter
		./usr/share/bash-completion/completions/kvmeter
		./usr/share/doc/kvmeter/examples/example_steal.bpf.c
		./usr/share/doc/kvmeter/examples/example_steal.c
		./usr/share/doc/kvmeter/examples/example_steal.h
		./usr/share/doc/kvmeter/examples/grafana-dashboard.json
		./usr/share/doc/kvmeter/examples/prometheus-rules.yml
		./usr/share/man/man4/kvmeter.4
		./usr/share/man/man8/kvmeter.8
	END
	grep -q '^ExecStart=/usr/sbin/kvmeter export ' "$to/usr/lib/systemd/system/kvmeter-exporter.service" ||
		fail "the unit starts another program" || return
	compile_example "$to/usr" || return
	# what an operator has changed stays
	echo KVMETER_LISTEN=127.0.0.1:9999 >"$to/etc/default/kvmeter-exporter"
	make -C "$top" install-reader DESTDIR="$to" prefix=/usr >"$tmp/out" 2>&1 &&
		grep -qx KVMETER_LISTEN=127.0.0.1:9999 "$to/etc/default/kvmeter-exporter" || fail "$(tail -n 3 "$tmp/out")" || return
	cp "$top/scripts/kvmeter-exporter.default" "$to/etc/default/kvmeter-exporter"
	make -C "$top" uninstall DESTDIR="$to" prefix=/usr "KREL=$release" >"$tmp/out" 2>&1 || fail "$(tail -n 3 "$tmp/out")" || return
	find "$to" -type f ! -name 'modules.*' >"$tmp/there"
	[ ! -s "$tmp/there" ] || fail "left: $(cat "$tmp/there")"
}

echo "TAP version 13"
echo "1..8"
run_case version
run_case commands_and_options
run_case maps_and_ioctls
run_case fields
run_case parameters
run_case completion
run_case completion_of_vms
run_case install_and_uninstall
exit $((failed > 0))
