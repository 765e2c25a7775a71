#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Print the manual page kvmeter(8), made from what the reader itself says with --help.
#
#   scripts/man8.sh READER
set -eu

reader=$1
export LC_ALL=C.UTF-8
unset ARGP_HELP_FMT
version=$("$reader" --version)
version=${version%%,*}

# help_to_roff WHAT: of the help on standard input, without its usage and what all commands have, each part as it looks
# there: text, and lists, whose entries begin in the third column or with an option.
help_to_roff()
{
	awk -v what="$1" '
		function escape(s)
		{
			gsub(/\\/, "\\e", s)
			gsub(/-/, "\\-", s)
			gsub(/\047/, "\\(aq", s)
			gsub(/`/, "\\(ga", s)
			gsub(/\^/, "\\(ha", s)
			gsub(/~/, "\\(ti", s)
			gsub(/…/, "\\[u2026]", s)
			return s ~ /^\./ ? "\\&" s : s
		}
		function strip(s)
		{
			sub(/^ +/, "", s)
			return s
		}
		function entry(tag, text)
		{
			print ".TP\n.B " escape(tag)
			if (text != "")
				print escape(text)
			listed = 1
		}
		/^Usage: |^  or: / { next }
		# A usage that takes two lines.
		!begun && /^            / { next }
		{ begun = 1 }
		/^  -\?, --help|^      --usage|^  -V, --version/ { next }
		/^Mandatory or optional arguments to long options/ { getline; next }
		/^$/ { blank = 1; next }
		what == "program" && /^Commands:/ { print ".SH COMMANDS"; blank = 0; next }
		blank && !/^ / { print ".PP"; listed = 0 }
		/^  +-/ {
			line = strip($0)
			at = index(line, "  ")
			entry(at ? substr(line, 1, at - 1) : line, at ? strip(substr(line, at)) : "")
			blank = 0
			next
		}
		/^  [^ ]/ {
			line = substr($0, 3)
			at = index(line, "  ")
			if (at)
				entry(substr(line, 1, at - 1), strip(substr(line, at)))
			else if (substr($0, 12, 1) == " " && substr($0, 11, 1) != ",")
				entry(substr($0, 3, 9), substr($0, 13))
			else
				entry(line, "")
			blank = 0
			next
		}
		/^ / { print escape(strip($0)); blank = 0; next }
		listed { print ".PP"; listed = 0 }
		{ print escape($0); blank = 0 }'
}

# usage_to_roff: the ways to call it
usage_to_roff()
{
	awk '
		/^Usage: / { sub(/^Usage: /, ""); line = $0; next }
		/^  or: / { print line; sub(/^  or: +/, ""); line = $0; next }
		line != "" && /^      / { sub(/^ +/, ""); line = line " " $0; next }
		{ exit }
		END { print line }' |
		sed 's/\\/\\e/g; s/-/\\-/g; s/^\([^[]*\)/.B \1\n/; 1!s/^/.br\n/' | sed '/^$/d; s/^ //'
}

cat <<EOT
.\" SPDX-License-Identifier: GPL-2.0-only
.\" Made by scripts/man8.sh from what kvmeter says with --help.
.TH KVMETER 8 "" "$version" "System Administration"
.SH NAME
kvmeter \- show what vCPUs of this host do, and make live migrations converge
.SH SYNOPSIS
.B kvmeter
.I COMMAND
.RI [ ARGUMENT ...]
.SH DESCRIPTION
EOT
"$reader" --help | help_to_roff program
"$reader" --commands | grep -v ' FILE ' | while read -r command; do
	echo ".SH KVMETER $(echo "$command" | tr '[:lower:]' '[:upper:]')"
	# shellcheck disable=SC2086 # a verb is a word of its own
	"$reader" $command --help | usage_to_roff
	echo .PP
	# shellcheck disable=SC2086
	"$reader" $command --help | help_to_roff command
done
cat <<'EOT'
.SH FILES
.TP
.I /sys/fs/bpf/kvmeter/
the BPF maps that the module counts into, once one of the commands has attached them; see
.BR kvmeter (4)
.TP
.I /dev/kvmeter
the device by which sessions, quotas and the autopilot are set
.TP
.I /sys/kernel/debug/kvmeter/
the same counts as text
.SH SEE ALSO
.BR kvmeter (4),
.BR perf\-kvm (1),
.BR bpftool (8)
EOT
