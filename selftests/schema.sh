# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Documents of the reader against the schema that it prints: sourced, never run; the script that does has set
# $reader and $tmp and has fail().
#
# shellcheck disable=SC2154

# What the schema uses of the language, checked with no more than Python itself. No other keys may be there.
schema_by_hand='
def check(s, d, path=""):
    if "const" in s:
        assert d == s["const"], path
        return
    types = s["type"] if isinstance(s["type"], list) else [s["type"]]
    is_a = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
            "null": type(None)}
    assert any(isinstance(d, is_a[t]) and (t == "boolean" or not isinstance(d, bool)) for t in types), (path, d)
    if isinstance(d, dict):
        assert set(s["required"]) <= set(d) <= set(s["properties"]), (path, set(s["required"]) - set(d),
                                                                     set(d) - set(s["properties"]))
        for key in d:
            assert s["properties"][key]["description"], key
            check(s["properties"][key], d[key], path + "." + key)
    elif isinstance(d, list):
        assert s.get("minItems", 0) <= len(d) <= s.get("maxItems", 1 << 30), path
        for value in d:
            check(s["items"], value, path + "[]")
    elif "minimum" in s and d is not None:
        assert d >= s["minimum"], path
'

# The same, by the module of Python.
# shellcheck disable=SC2034 # by scripts that source this
schema_by_validator='
import jsonschema
def strict(s):
    if isinstance(s, dict):
        if "properties" in s and "required" in s:
            s["additionalProperties"] = False
        for value in s.values():
            strict(value)
    elif isinstance(s, list):
        for value in s:
            strict(value)
jsonschema.Draft202012Validator.check_schema(schema)
strict(schema)
def check(s, d):
    jsonschema.Draft202012Validator(s).validate(d)
'

# check_documents FILE CODE: each document in FILE, one a line, against its definition, by CODE, which has a
# function check(definition, document). Prints the names of those that were there.
check_documents()
{
	"$reader" schema >"$tmp/schema" || fail "no schema" || return
	python3 - "$tmp/schema" "$1" "${2:-$schema_by_hand}" 2>"$tmp/why" <<-'EOF' || fail "not as the schema has it: $(tail -n 3 "$tmp/why")"
		import json, sys
		schema = json.load(open(sys.argv[1]))
		exec(sys.argv[3])
		seen = set()
		for line in open(sys.argv[2]):
		    document = json.loads(line)
		    seen.add(document["document"])
		    check(schema["$defs"][document["document"]], document)
		# what is wrong is found: a text for a number, a key that is missing, one too many
		for wrong in {**document, "abi": "five"}, {**document, "x": 1}, {k: document[k] for k in document if k != "abi"}:
		    try:
		        check(schema["$defs"][document["document"]], wrong)
		    except Exception:
		        continue
		    sys.exit("taken for right: " + json.dumps(wrong)[:200])
		print(*sorted(seen))
	EOF
}
