#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The page that the reader makes of a recording: its form, and how a browser (headless Chromium) shows it.
#
# Needs neither root nor the module: html_recording has written the recordings. KVMETER is the reader. What is
# measured in the browser is measured by a script that is added to a copy of the page: the page itself has none.
#
#   reader_html_test.sh [CASE...]
#
# "A && B || fail" is meant as it stands: fail is false. All cases are called by name, by run_case.
# shellcheck disable=SC2015,SC2317

dir=$(cd "$(dirname "$0")" && pwd) || exit 1
. "$dir/tap.sh"
reader=${KVMETER:-$dir/../bpf/kvmeter}
tmp=$(mktemp -d) || exit 1
server=
trap 'stop_server; rm -rf "$tmp"' EXIT
export TZ=UTC

# page NAME ARGUMENT...: make the page NAME
page()
{
	"$reader" report --html "$tmp/$1.html" "${@:2}" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ "$status" = 0 ] && [ ! -s "$tmp/out" ] && [ ! -s "$tmp/err" ] || fail "$* gave $status: $(cat "$tmp/err")"
}

# refuses STATUS TEXT ARGUMENT...
refuses()
{
	"$reader" report "${@:3}" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ "$status" = "$1" ] && [ ! -s "$tmp/out" ] && grep -qF -- "$2" "$tmp/err" ||
		fail "${*:3} gave $status and '$(cat "$tmp/err")', not $1 and '$2'"
}

# python CODE: with the page's parser, the pages' texts by read(NAME)
python()
{
	python3 - "$tmp" "$1" <<-'PYTHON' || fail "not so: $1"
		import html.parser, json, re, sys
		def read(name):
		    return open(sys.argv[1] + "/" + name, encoding="utf-8").read()
		class Page(html.parser.HTMLParser):
		    void = {"meta", "br", "img", "link", "hr"}
		    def __init__(self, name):
		        super().__init__()
		        self.open, self.tags, self.attributes, self.text = [], [], [], {}
		        self.feed(read(name))
		        self.close()
		        assert not self.open, self.open
		    def handle_starttag(self, tag, attributes):
		        self.tags.append(tag)
		        self.attributes += [(tag, k, v) for k, v in attributes]
		        if tag not in self.void:
		            self.open.append((tag, dict(attributes).get("id")))
		    def handle_startendtag(self, tag, attributes):
		        self.tags.append(tag)
		        self.attributes += [(tag, k, v) for k, v in attributes]
		    def handle_endtag(self, tag):
		        assert self.open and self.open[-1][0] == tag, (tag, self.open, self.getpos())
		        self.open.pop()
		    def handle_data(self, data):
		        for tag, id in self.open:
		            self.text[id] = self.text.get(id, "") + data
		exec(sys.argv[2])
	PYTHON
}

# Every element that is opened is closed, in order; all sections are there; nothing is loaded, nothing runs.
case_form()
{
	local name

	for name in one many damaged; do
		python "
p = Page('$name.html')
assert p.tags.count('section') == 5 and p.tags.count('main') == 1
assert [v for t, k, v in p.attributes if t == 'section'] == ['ledger', 'steal', 'exits', 'dirty', 'rounds']
csp = \"default-src 'none'; style-src 'unsafe-inline'\"
i = p.attributes.index(('meta', 'http-equiv', 'Content-Security-Policy'))
assert p.attributes[i + 1] == ('meta', 'content', csp)
assert not {'script', 'img', 'link', 'iframe', 'object', 'embed', 'base', 'form', 'b\\''} & set(p.tags), p.tags
assert all(v[0] == '#' for t, k, v in p.attributes if k in ('href', 'src'))
assert not [k for t, k, v in p.attributes if k.startswith('on') or k == 'style']
assert set(re.findall(r'url\\(([^)]*)', read('$name.html'))) <= {'#p4', '#p5'}
assert '://' not in read('$name.html') and '@import' not in read('$name.html')
ids = [v for t, k, v in p.attributes if k == 'id']
assert len(set(ids)) == len(ids)
assert not re.search(r'\\b(nan|inf)\\b', ' '.join(str(v) for t, k, v in p.attributes))
" || return
	done
}

case_contents()
{
	python "
p = Page('one.html')
t = ' '.join(''.join(p.text[None]).split())
for what in ('host-1', '6.1.0-0-amd64, svm', 'kvmeter, ABI', 'version 1.0', '40, one every 5 s; no gaps',
             '2026-11-22T12:00:00.000+00:00 to 2026-11-22T12:03:15.000+00:00 (3.25 min)'):
    assert what in t, (what, t[:900])
ledger = ' '.join(p.text['ledger'].split())
for what in ('guest 40.0 %', 'kernel 10.0 %', 'vmm 15.0 %', 'steal 10.0 %', 'throttle 5.0 %', 'halt 20.0 %'):
    assert what in ledger, (what, ledger)
assert '<script>alert(\"1\")</script> 1000-9' in ledger
assert '<b>\\'&x</b> 35.1 s' in ' '.join(p.text['steal'].split())
assert '202.0 exits/s' in ' '.join(p.text['exits'].split())
assert 'Bandwidth' in p.text['dirty'] and '39 windows, as of 12:03:15' in p.text['dirty']
rounds = ' '.join(p.text['rounds'].split())
for what in ('ended after 30 s, 7 rounds', 'quota 20.0 MiB/s', 'on: the first round is free', '512.0 MiB'):
    assert what in rounds, (what, rounds)
t = ' '.join(''.join(Page('many.html').text[None]).split())
assert 'the other 184 as a sum' in t and '184 other VMs' in t and '1 gap, in all' in t, t[:900]
assert 'damaged' not in t
"
}

# where there is nothing, it says so
case_nothing()
{
	page none "$tmp/busy.rec" || return
	python "
p = Page('none.html')
assert 'No VM had a session' in p.text['dirty']
page = Page('part.html')
assert 'There was no migration in this time' in page.text['rounds']
"
}

case_parts()
{
	python "
t = ' '.join(''.join(Page('part.html').text[None]).split())
assert '2026-11-22T12:01:00.000+00:00 to 2026-11-22T12:02:00.000+00:00 (60 s)' in t and '13, one every 5 s' in t, t[:500]"
}

# the rest of it is a page, and says that it is the rest
case_damaged()
{
	[ "$damaged" = 2 ] || fail "it gave $damaged" || return
	python "
p = Page('damaged.html')
assert 'damaged or cut off at byte' in p.text[None]"
}

case_bounded()
{
	[ "$(stat -c %s "$tmp/many.html")" -lt 1000000 ] || fail "200 VMs take $(stat -c %s "$tmp/many.html") bytes" || return
	[ "$(stat -c %s "$tmp/one.html")" -lt 100000 ] || fail "one VM takes $(stat -c %s "$tmp/one.html") bytes"
}

case_refused()
{
	refuses 64 "--html has all views" --html "$tmp/x.html" "$tmp/one.rec" stat &&
		refuses 64 "which file" --html "$tmp/x.html" &&
		refuses 1 "has one snapshot there" --html "$tmp/x.html" "$tmp/one.rec" --to 2 &&
		refuses 1 "has no snapshot there" --html "$tmp/x.html" "$tmp/one.rec" --from 2030-01-01 &&
		refuses 1 "No such file" --html "$tmp/x.html" "$tmp/nowhere" &&
		refuses 1 "No such file" --html "$tmp/no/where.html" "$tmp/one.rec" || return
	[ ! -e "$tmp/x.html" ] || fail "there is a page all the same" || return
	"$reader" report --html - "$tmp/one.rec" | cmp -s - "$tmp/one.html" || fail "standard output is another page"
}

# Snapshots that somebody has tampered with, with checksums that fit, make a page, or none, but no crash.
case_tampered()
{
	local i rounds=25

	[ -z "${KVMETER_LONG:-}" ] || rounds=1000
	for ((i = 0; i < rounds; i++)); do
		"$dir/fuzz_recording" "$i" "$tmp/bad" || fail fuzz_recording || return
		timeout 20 "$reader" report --html "$tmp/bad$i.html" "$tmp/bad" 2>"$tmp/err"
		status=$?
		[ "$status" -le 2 ] && [ "$(wc -l <"$tmp/err")" -le 2 ] ||
			fail "round $i gave $status: $(head -c 500 "$tmp/err")" || return
	done
	python "
import glob, os
pages = [os.path.basename(name) for name in glob.glob(sys.argv[1] + '/bad*.html')]
for name in pages:
    Page(name)
assert $rounds / 2 < len(pages) <= $rounds, len(pages)"
}

# What the browser says of a page: of its sections, texts and areas, and of the contrast of colours.
measure='
function contrast(a, b) {
  const lum = c => c.match(/[\d.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const [hi, lo] = [lum(a), lum(b)].sort((x, y) => y - x);
  return (hi + 0.05) / (lo + 0.05);
}
function background(e) {
  for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor;
    if (c !== "rgba(0, 0, 0, 0)") return c;
  }
}
const rect = e => e.getBoundingClientRect();
const inside = (a, b) => a.left >= b.left - 0.5 && a.right <= b.right + 0.5 && a.top >= b.top - 0.5 && a.bottom <= b.bottom + 0.5;
const all = (e, what) => [...e.querySelectorAll(what)];
const found = { width: innerWidth, page: document.documentElement.scrollWidth, sections: {}, wide: [], outside: [],
  touching: [], heights: [], contrast: [], svgs: 0, dialogs: 0 };
for (const s of all(document, "section"))
  found.sections[s.id] = [s.offsetWidth, s.offsetHeight];
for (const e of all(document, "section, section *, header, header *"))
  if (!e.closest("svg") && e.clientWidth && e.scrollWidth > e.clientWidth + 1)
    found.wide.push(e.outerHTML.slice(0, 100));
for (const card of all(document, ".card")) {
  for (const e of all(card, "*"))
    if (!inside(rect(e), rect(card))) found.outside.push(e.outerHTML.slice(0, 100));
  for (const svg of all(card, "svg.chart")) {
    found.svgs++;
    const texts = all(svg, "text");
    texts.forEach((t, i) => {
      if (!inside(rect(t), rect(svg))) found.outside.push(t.outerHTML);
      for (const u of texts.slice(0, i))
        if (rect(t).left < rect(u).right && rect(u).left < rect(t).right && rect(t).top + 3 < rect(u).bottom &&
            rect(u).top + 3 < rect(t).bottom) found.touching.push(t.textContent + " and " + u.textContent);
    });
  }
}
for (const svg of all(document, ".ledger svg.chart"))
  found.heights.push(["s0", "s1", "s2", "s4", "s5", "s3"].map(c => svg.querySelector("path." + c).getBBox())
    .map(b => [b.x, b.y, b.width, b.height]));
for (const e of all(document, "h1, h2, h3, small, p, dd, dt, a, td, th, b"))
  found.contrast.push([contrast(getComputedStyle(e).color, background(e)), e.outerHTML.slice(0, 60)]);
found.lowest = found.contrast.sort((a, b) => a[0] - b[0])[0];
delete found.contrast;
parent.postMessage(JSON.stringify(found), "*");
'

# One browser for several pages, as it takes longer to start than for what it does.
# frame NAME...: a page, frame.html, in which each of these is as if it was in a window of 1280 pixels
frame()
{
	local name

	cat >"$tmp/frame.html" <<-END
		<!DOCTYPE html><script>addEventListener("message", e => {
		  const pre = document.createElement("pre");
		  pre.id = [...document.querySelectorAll("iframe")].find(f => f.contentWindow === e.source).name;
		  pre.textContent = e.data;
		  document.body.append(pre);
		})</script>
	END
	for name; do
		printf '<iframe name="%s" src="%s.html" style="width:1280px;height:8000px;border:0"></iframe>\n' "$name" "$name"
	done >>"$tmp/frame.html"
}

# browse NAME OPTION...: what a browser of 1280 pixels does with a page; what it says is in $tmp/said
browse()
{
	timeout 120 chromium --headless=new --no-sandbox --disable-gpu --user-data-dir="$tmp/profile" --enable-logging=stderr \
		--virtual-time-budget=2000 --window-size=1280,1000 --hide-scrollbars "${@:2}" "file://$tmp/$1.html" \
		>"$tmp/dom" 2>"$tmp/said" || fail "the browser gave $?: $(tail -n 3 "$tmp/said")"
}

# measurable NAME COPY [SED]: a copy of the page, to which SED was done, with that script
measurable()
{
	sed -e '/http-equiv/d' -e "${3:-}" "$tmp/$1.html" >"$tmp/$2.html"
	printf '<script>%s</script>\n' "$measure" >>"$tmp/$2.html"
}

# measured COPY CODE: with what was measured in it as f
measured()
{
	if [ ! -e "$tmp/measured" ]; then
		measurable one m-one && measurable many m-many &&
			measurable many m-dark 's/prefers-color-scheme:dark/min-width:1px/' &&
			frame m-one m-many m-dark && browse frame --dump-dom && mv "$tmp/dom" "$tmp/measured" || return
	fi
	python "
import html
f = json.loads(html.unescape(re.search('<pre id=\"$1\">(.*?)</pre>', read('measured'), re.S).group(1)))
assert f['width'] == 1280, f['width']
$2"
}

# nothing is wider than its place, no text is cut off or on another
fits="
assert f['page'] <= 1280, f['page']
assert list(f['sections']) == ['ledger', 'steal', 'exits', 'dirty', 'rounds']
assert all(w > 1000 and h > 100 for w, h in f['sections'].values()), f['sections']
for what in 'wide', 'outside', 'touching':
    assert not f[what], (what, f[what][:5])
"

# Areas are one on the other without a gap, as high as the shares that are known, and as wide as the field.
case_browser_one()
{
	measured m-one "$fits
assert f['svgs'] == 3, f['svgs']
(areas,) = f['heights']
at = 8 + 110
for (x, y, w, h), share in zip(areas, (40, 10, 15, 10, 5, 20)):
    assert abs(h - 1.1 * share) < 0.11 and abs(y + h - at) < 0.11, (y, h, at, share)
    assert abs(x - 52) < 0.11 and abs(w - 500) < 0.11, (x, w)
    at = y
assert abs(at - 8) < 0.11, at"
}

case_browser_many()
{
	measured m-many "$fits
assert len(f['heights']) == 17 and f['svgs'] == 17 * 2 + 1, f['svgs']
# text can be read: WCAG has 4.5 for that
assert f['lowest'][0] >= 4.5, f['lowest']"
}

# the same on a dark screen
case_browser_dark()
{
	measured m-dark "assert f['lowest'][0] >= 4.5, f['lowest']"
}

start_server()
{
	python3 -u - "$tmp/port" "$tmp/requests" <<-'PYTHON' &
		import http.server, sys
		class Handler(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        open(sys.argv[2], "a").write(self.path + "\n")
		        self.send_error(404)
		    def log_message(self, *args):
		        pass
		server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
		open(sys.argv[1] + ".new", "w").write(str(server.server_port))
		import os
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		server.serve_forever()
	PYTHON
	server=$!
	while [ ! -e "$tmp/port" ] && kill -0 "$server"; do
		sleep 0.05
	done
}

stop_server()
{
	[ -z "$server" ] || kill "$server" 2>/dev/null
	server=
}

# ask_for COPY SED: a copy of the page that would load an image, a style and a script, and run another
ask_for()
{
	local url

	url=http://127.0.0.1:$(cat "$tmp/port")/$1
	sed -e "$2" "$tmp/one.html" >"$tmp/$1.html"
	cat >>"$tmp/$1.html" <<-END
		<img src="$url/img"><link rel="stylesheet" href="$url/style"><script src="$url/script"></script>
		<script>console.log("a script in $1 runs")</script>
	END
}

# Whatever got into the page, nothing would be asked for and nothing would run; without its policy all would.
case_browser_network()
{
	start_server
	ask_for kept '' && ask_for none '/http-equiv/d' && frame kept none && browse frame --dump-dom || return
	stop_server
	! grep '^/kept' "$tmp/requests" || fail "it asked for something" || return
	! grep 'CONSOLE.*in kept runs' "$tmp/said" || fail "a script runs" || return
	[ "$(sort "$tmp/requests" | tr '\n' ' ')" = "/none/img /none/script /none/style " ] &&
		grep -q 'CONSOLE.*in none runs' "$tmp/said" || fail "it would not have been seen: $(cat "$tmp/requests")"
}

# The page as it is: it is drawn, and the browser has nothing to say about it.
case_browser_quiet()
{
	browse many --screenshot="$tmp/many.png" || return
	! grep CONSOLE "$tmp/said" || fail "it says: $(grep CONSOLE "$tmp/said")" || return
	[ "$(stat -c %s "$tmp/many.png")" -gt 20000 ] || fail "the picture has $(stat -c %s "$tmp/many.png") bytes"
}

cases="form contents nothing parts damaged bounded refused tampered browser_one browser_many browser_dark browser_network
	browser_quiet"

"$dir/html_recording" "$tmp/one.rec" 1 40 && "$dir/html_recording" "$tmp/many.rec" 200 60 20 29 &&
	"$dir/fake_recording" "$tmp/busy.rec" 13 5000 >/dev/null && page one "$tmp/one.rec" && page many "$tmp/many.rec" &&
	page part "$tmp/one.rec" --from 60 --to 2m || { echo "Bail out! no recording or no page: $why"; exit 1; }
head -c $(($(stat -c %s "$tmp/one.rec") * 3 / 4)) "$tmp/one.rec" >"$tmp/damaged.rec"
"$reader" report --html "$tmp/damaged.html" "$tmp/damaged.rec" 2>/dev/null
damaged=$?
# shellcheck disable=SC2086 # words
[ $# != 0 ] || set -- $cases
echo "TAP version 13"
echo "1..$#"
for case; do
	if [[ $case == browser_* ]] && ! command -v chromium >/dev/null; then
		skip_case "$case" "there is no chromium"
		continue
	fi
	run_case "$case"
done
[ $failed = 0 ]
