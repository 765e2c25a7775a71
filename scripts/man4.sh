#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Print the manual page kvmeter(4): scripts/kvmeter.4.in, with the contract of maps and ioctls from the header that is it.
#
#   scripts/man4.sh
set -eu

top=$(cd "$(dirname "$0")/.." && pwd)
header=$top/include/uapi/linux/kvmeter.h
export LC_ALL=C.UTF-8

# contract PART: of the header: "rules", its first comment; "structs", those that are values of maps; "ioctls"
contract()
{
	awk -v part="$1" '
		function escape(s)
		{
			gsub(/\\/, "\\e", s)
			gsub(/-/, "\\-", s)
			gsub(/\047/, "\\(aq", s)
			gsub(/@/, "", s)
			gsub(/\^/, "\\(ha", s)
			return s ~ /^\./ ? "\\&" s : s
		}
		function literal(on)
		{
			if (on != is_literal)
				print on ? ".PP\n.EX" : ".EE"
			is_literal = on
		}
		# A line of a comment as it is there; a paragraph that begins with a few words and a period has these in bold.
		function text(s,  at)
		{
			if (s ~ /^[ \t]/) {
				literal(1)
				gsub(/\t/, "        ", s)
				print escape(s)
				return
			}
			literal(0)
			if (s == "") {
				print ".PP"
				fresh = 1
				return
			}
			at = index(s, ". ")
			if (fresh && match(s, /^[A-Z][A-Za-z]*( [a-z]+)?( [a-z]+)?\. /)) {
				print ".B " escape(substr(s, 1, at))
				s = substr(s, at + 2)
			}
			fresh = 0
			print escape(s)
		}
		# What kernel-doc says of a struct is kept until its fields are there.
		function doc(s)
		{
			if (match(s, /^@[a-z0-9_]+: /)) {
				field = substr(s, 2, RLENGTH - 3)
				help[field] = substr(s, RLENGTH + 1)
			} else if (s == "") {
				field = ""
				rest = rest "\n"
			} else if (field != "") {
				sub(/^[ \t]+/, "", s)
				help[field] = help[field] "\n" s
			} else {
				rest = rest "\n" s
			}
		}
		function lines(s,  n, i, part)
		{
			n = split(s, part, "\n")
			for (i = 1; i <= n; i++)
				print part[i] == "" ? (i > 1 && i < n && part[i - 1] != "" ? ".PP" : ".\\\"") : escape(part[i])
		}
		function wanted(name)
		{
			return name ~ /^kvmeter_(hist|host|index|vm|vcpu|exit|sub|thief|dirty|migration|round|audit)$/
		}
		NR == 2 && /^\/\*$/ || /^\/\*$/ && !seen { seen = 1; in_rules = part == "rules"; next }
		/^ \*\/$/ && in_rules { literal(0); exit }
		in_rules { s = $0; sub(/^ \* ?/, "", s); text(s); next }
		/^\/\*\*$/ { in_doc = 1; name = ""; split("", help); field = ""; rest = ""; next }
		in_doc && /^ \*\/$/ { in_doc = 0; next }
		in_doc && name == "" { name = $3; title = $0; sub(/^[^-]*- /, "", title); next }
		in_doc { s = $0; sub(/^ \* ?/, "", s); doc(s); next }
		part == "structs" && name != "" && $1 == "struct" && $2 == name && wanted(name) {
			print ".SS struct " name
			print escape(title) "."
			in_struct = 1
			next
		}
		in_struct && /^};/ { in_struct = 0; lines(rest); name = ""; next }
		in_struct {
			s = $0
			gsub(/^[ \t]+|;.*$/, "", s)
			field = s
			sub(/\[.*/, "", field)
			sub(/.* /, "", field)
			print ".TP\n.B " escape(s)
			print help[field] == "" ? "zero" : ""
			if (help[field] != "")
				lines(help[field])
			next
		}
		part == "ioctls" && /^ \* ioctls of / { in_ioctls = 1 }
		in_ioctls && /^ \*\/$/ { exit }
		in_ioctls {
			s = $0
			sub(/^ \* ?/, "", s)
			if (match(s, /^(KVMETER_[A-Z_]+:|read\(\)) /)) {
				print ".TP\n.B " substr(s, 1, RLENGTH - 1 - (s ~ /^K/))
				s = substr(s, RLENGTH + 1)
			}
			if (s != "")
				print escape(s)
		}' "$header" | sed '/^$/d; /^\.\\"$/d'
}

version=$(sed -n 's/^#define KVMETER_VERSION "\(.*\)"$/\1/p' "$top/include/kvmeter/version.h")
abi=$(sed -n 's/^#define KVMETER_ABI \([0-9]*\)$/\1/p' "$header")
while IFS= read -r line; do
	case $line in
	@RULES@) contract rules ;;
	@STRUCTS@) contract structs ;;
	@IOCTLS@) contract ioctls ;;
	*) printf '%s\n' "$line" ;;
	esac
done <"$top/scripts/kvmeter.4.in" | sed "s/@VERSION@/$version/; s/@ABI@/$abi/"
