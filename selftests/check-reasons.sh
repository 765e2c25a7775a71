#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Checks that every exit reason named in the kernel's uapi headers is in the one table, by that name.
#
#   selftests/check-reasons.sh TABLE
#
# TABLE is include/kvmeter/reasons.h, which gives each entry a class. The headers are the asm/vmx.h and asm/svm.h
# that $CC, or cc, finds. Names what is missing, and exits with status 1 then.

set -eu
# Sorted the same everywhere.
export LC_ALL=C
table=$1
cc=${CC:-cc}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# list_header VENDOR PREFIX: the constants with that prefix in its header, a line "VENDOR "NAME" EXPRESSION" each.
list_header()
{
	{
		echo "#include <asm/$1.h>"
		echo "#include <asm/$1.h>" | $cc -dM -E - |
			sed -n "s/^#define \($2[A-Z0-9_]*\) .*/$1 \"\1\" \1/p"
	} | $cc -E -P - | grep "^$1 "
}

# list_table VENDOR TABLE-MACRO: its entries, the same way.
list_table()
{
	{
		echo "#define X(number, name, class) $1 name number class;"
		echo "#include \"$(realpath "$table")\""
		echo "$2(X)"
	} | $cc -E -P - | tr ';' '\n' | sed 's/^ *//; /^$/d'
}

# to_reasons: each line as "VENDOR NUMBER NAME", numbers in 32 bits as the module has them. What the headers name
# besides are bounds and a list of the reasons, and arguments of VMGEXITs, which are small or all ones.
to_reasons()
{
	while read -r vendor name expression; do
		name=${name#\"} name=${name%\"}
		case $name in
		SVM_EXIT_EXCP_BASE | SVM_EXIT_LAST_EXCP | SVM_EXIT_REASONS) continue ;;
		EXIT_REASON_*) name=${name#EXIT_REASON_} ;;
		SVM_EXIT_*) name=${name#SVM_EXIT_} ;;
		SVM_VMGEXIT_*) name=${name#SVM_} ;;
		esac
		expression=$(echo "${expression% [A-Z]*}" | sed 's/[uUlL]*$//')
		case $expression in
		"~0") continue ;;
		-1) expression=0xffffffff ;;
		esac
		number=$((expression))
		case $name in
		VMGEXIT_*) [ "$number" -ge $((0x80000000)) ] || continue ;;
		esac
		echo "$vendor $number $name"
	done
}

{
	list_header vmx EXIT_REASON_
	list_header svm SVM_EXIT_
	list_header svm SVM_VMGEXIT_
} >"$tmp/header.list"
{
	list_table vmx KVMETER_VMX_REASONS
	list_table svm KVMETER_SVM_REASONS
} >"$tmp/table.list"
for list in header table; do
	to_reasons <"$tmp/$list.list" >"$tmp/reasons"
	sort "$tmp/reasons" >"$tmp/$list"
done

[ -s "$tmp/header" ] || { echo "check-reasons: no reason named in asm/vmx.h and asm/svm.h" >&2; exit 1; }
missing=$(comm -23 "$tmp/header" "$tmp/table")
[ -z "$missing" ] || {
	echo "$table has no entry, or one of another name, for"
	echo "$missing"
	exit 1
} >&2
