#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of the exporter ask it and Prometheus, over HTTP; functions of their own, called by name.

    scrape.py FUNCTION [ARGUMENT...]

Each ends with 0 if what it says of itself holds; otherwise with 1 and a line of what does not.
"""
import http.client
import json
import re
import socket
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# as Prometheus 2 asks
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
SAMPLE = re.compile(r'^([a-z_0-9]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$')


def check(holds, text):
    if not holds:
        sys.exit(text)


def ask(port, method="GET", path="/metrics", accept=None, body=None):
    """Status, headers and body of an answer."""
    conn = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
    conn.request(method, path, body, {"Accept": accept} if accept else {})
    answer = conn.getresponse()
    got = answer.status, answer.headers, answer.read().decode()
    conn.close()
    return got


def read(text):
    """The samples of a text: {(name, labels): value}."""
    samples = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        match = SAMPLE.match(line)
        check(match, f"no sample: {line}")
        key = match[1], match[2] or ""
        check(key not in samples, f"twice: {line}")
        samples[key] = float(match[3])
    return samples


def get(port, name, labels=""):
    return read(ask(port)[2])[name, labels]


def has_grown(port, first):
    """It counts how often it is asked."""
    check(get(port, "kvmeter_export_scrapes_total") > float(first), "does not count")


def formats(port, still="yes"):
    """A client has the format it accepts, and both say the same where VMs stand still."""
    status, headers, old = ask(port)
    check(status == 200 and headers["Content-Type"] == TEXT, f"{status} {headers['Content-Type']}")
    check("# EOF" not in old and "# UNIT" not in old, "the text format has lines of OpenMetrics")
    status, headers, new = ask(port, accept=PROMETHEUS)
    check(status == 200 and headers["Content-Type"] == OPENMETRICS, f"{status} {headers['Content-Type']}")
    check(new.endswith("\n# EOF\n"), "no end of OpenMetrics")
    check(ask(port, accept="text/plain")[1]["Content-Type"] == TEXT, "text is not given")
    check(ask(port, accept="Application/OpenMetrics-Text")[1]["Content-Type"] == OPENMETRICS, "case matters")
    names = [{(name, re.sub(' le=".*', "", labels)) for name, labels in read(text)} for text in (old, new)]
    check(still != "yes" or names[0] == names[1], f"not the same series: {names[0] ^ names[1]}")


def histograms(port):
    """Buckets are cumulative, and the last has all."""
    count, last = 0, (None, 0)
    samples = read(ask(port, accept=PROMETHEUS)[2])
    for (name, labels), value in samples.items():
        if name.endswith("_bucket"):
            rest, le = re.match(r'(.*?),?le="(.*)"$', labels).groups()
            check(last[0] != (name, rest) or last[1] <= value, f"falls: {name}{{{labels}}}")
            last = (name, rest), value
            if le == "+Inf":
                base = name[: -len("_bucket")]
                check(samples[base + "_count", rest] == value, f"not all: {name}{{{labels}}}")
                check(samples[base + "_sum", rest] >= 0, "no sum")
                count += 1
    check(count > 3 + 3 + 3, f"only {count} histograms")


def head(port):
    status, headers, text = ask(port, "HEAD")
    check(status == 200 and text == "" and int(headers["Content-Length"]) > 10000, f"{status} {headers}")


def refusals(port):
    check(ask(port, path="/")[0] == 200, "no page")
    for path in ("/metric", "/metrics/", "//metrics", "/../etc/passwd", "/" + "x" * 5000):
        check(ask(port, path=path)[0] == 404, f"{path[:20]} is there")
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        status, headers, _ = ask(port, method, body="x" * 100000 if method == "POST" else None)
        check(status == 405 and headers["Allow"] == "GET, HEAD", f"{method}: {status}")
    for line in (b"\r\n\r\n", b"GET\r\n\r\n", b"\0" * 100000, b"GET /metrics HTTP/9.9\r\n\r\n", b"G" * 100000):
        with socket.create_connection(("127.0.0.1", int(port)), 60) as client:
            try:
                client.sendall(line)
                client.shutdown(socket.SHUT_WR)
                check(b" 200 " not in client.recv(100), f"{line[:10]} is answered")
            except OSError:
                pass
    check(ask(port)[0] == 200, "no longer answers")


def many(port):
    """More at once than may be connected all have a whole answer."""
    got = []

    def one():
        status, headers, text = ask(port, accept=OPENMETRICS)
        got.append(status == 200 and len(text) == int(headers["Content-Length"]) and text.endswith("# EOF\n"))

    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(got == [True] * 50, f"{sum(got)} of 50")


def idle(port):
    """Clients that send nothing, half a request, or do not read keep nobody out, and are let go after 10 s."""
    clients = []
    for i in range(12):
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        client.connect(("127.0.0.1", int(port)))
        client.settimeout(60)
        client.send((b"", b"GET /metrics HTTP/1.1\r\nHost", b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")[i % 3])
        clients.append(client)
    begin = time.monotonic()
    for _ in range(10):
        check(ask(port)[0] == 200, "others are not served")
    check(time.monotonic() - begin < 5, "others have to wait")
    for client in clients:
        try:
            while client.recv(1 << 16):
                pass
        except ConnectionError:
            pass
    took = time.monotonic() - begin
    check(8 < took < 30, f"let go after {took} s")


def no_growth(port):
    """Memory after hundreds of scrapes is what it was after a hundred."""
    for _ in range(100):
        ask(port)
    before = get(port, "process_resident_memory_bytes")
    for _ in range(300):
        ask(port, accept=OPENMETRICS)
    after = get(port, "process_resident_memory_bytes")
    check(0 < after < before + (1 << 20), f"{before} became {after} bytes")


def becomes(port, name, labels, limit="10"):
    """A series is there, soon: names are looked up by a thread."""
    end = time.monotonic() + float(limit)
    while (name, labels) not in (samples := read(ask(port)[2])):
        check(time.monotonic() < end, f"no {name}{{{labels}}}, but {[s for s in samples if s[0] == name]}")
        time.sleep(0.1)


def at_once(port, limit):
    """Each of ten answers is there within this time."""
    for _ in range(10):
        begin = time.monotonic()
        status = ask(port, accept=PROMETHEUS)[0]
        took = time.monotonic() - begin
        check(status == 200 and took < float(limit), f"{status} after {took} s")


def cost(port, most_s, most_bytes):
    """CPU time of a scrape, and memory."""
    before = get(port, "process_cpu_seconds_total")
    for _ in range(20):
        ask(port, accept=PROMETHEUS)
    samples = read(ask(port)[2])
    each = (samples["process_cpu_seconds_total", ""] - before) / 21
    size = samples["process_resident_memory_bytes", ""]
    print(f"{each * 1e3:.1f} ms of CPU time for a scrape, {size / (1 << 20):.1f} MiB resident, {len(samples)} series")
    check(each < float(most_s) and 0 < size < float(most_bytes), f"{each} s, {size} bytes")


def api(port, path, **query):
    url = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        if error.code == 503:
            raise
        sys.exit(f"{query}: {json.load(error)['error']}")


def query(port, expr):
    return [(row["metric"], float(row["value"][1])) for row in api(port, "query", query=expr)["result"]]


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        print(found.getsockname()[1])


def scraped(port, times="3", limit="60"):
    """Prometheus has asked so often, with success."""
    end = time.monotonic() + float(limit)
    found = []
    while time.monotonic() < end:
        try:
            found = query(port, 'sum_over_time(up{job="kvmeter"}[1h])')
        except urllib.error.URLError:
            pass
        if found and found[0][1] >= float(times):
            check(query(port, 'up{job="kvmeter"} == 1'), "up is not 1")
            return
        time.sleep(0.2)
    sys.exit(f"not scraped: {found}")


def target(port):
    """Nothing was wrong with what it read."""
    for t in api(port, "targets")["activeTargets"]:
        check(t["health"] == "up" and not t["lastError"], t)


def rules(port, limit="60"):
    """All rules have been evaluated without an error, and those that record have recorded."""
    end = time.monotonic() + float(limit)
    while time.monotonic() < end:
        found = [rule for group in api(port, "rules")["groups"] for rule in group["rules"]]
        if found and all(rule["health"] == "ok" for rule in found):
            break
        check(all(rule["health"] != "err" for rule in found), [r.get("lastError") for r in found])
        time.sleep(0.2)
    check(len(found) > 10 and all(r["health"] == "ok" and not r.get("lastError") for r in found), found)
    for name in [rule["name"] for rule in found if rule["type"] == "recording"]:
        while not query(port, name):
            check(time.monotonic() < end, f"{name} has no value")
            time.sleep(0.2)


def has(port, expr, least="1"):
    """The expression has so many results."""
    found = query(port, expr)
    check(len(found) >= int(least), f"{expr}: {found}")


def get_panels(panels):
    for panel in panels:
        yield panel
        yield from get_panels(panel.get("panels", []))


def get_expressions(path):
    """Panels' and variables' expressions of a dashboard, as Grafana would send them, by where they are."""
    with open(path, encoding="utf-8") as f:
        board = json.load(f)
    found = []
    for panel in get_panels(board["panels"]):
        found += [(panel["title"], t["expr"]) for t in panel.get("targets", [])]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            text = variable["query"]["query"]
            found.append((variable["name"], re.sub(r"^(?:label_values|query_result)\((.*?)(?:, *\w+)?\)$", r"\1", text)))
    for name, value in (("__rate_interval", "5m"), ("__range", "1h"), ("instance", ".*"), ("vm", ".*")):
        found = [(where, re.sub(rf"\$\{{{name}(?::\w+)?\}}|\${name}\b", value, expr)) for where, expr in found]
    return board, found


def dashboard(path):
    """It is one: what Grafana asks of the model, each panel within the grid and none over another."""
    board, found = get_expressions(path)
    panels = list(get_panels(board["panels"]))
    check(board["schemaVersion"] >= 36 and board["title"] and board["uid"], "no dashboard")
    check({v["name"] for v in board["templating"]["list"]} >= {"instance", "vm"}, "no variables")
    check(len({p["id"] for p in panels}) == len(panels), "panels of one id")
    cells = set()
    for panel in panels:
        grid = panel["gridPos"]
        check(panel["type"] in ("row", "stat", "timeseries", "heatmap", "state-timeline", "gauge"), panel["type"])
        check(panel["type"] == "row" or panel["targets"] and panel["datasource"]["uid"], panel["title"])
        mine = {(x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])}
        check(max(x for x, _ in mine) < 24 and not mine & cells, f"{panel['title']} is not in its place")
        cells |= mine
        refs = [t["refId"] for t in panel.get("targets", [])]
        check(len(refs) == len(set(refs)), f"{panel['title']}: {refs}")
    check(len(found) > 20, f"only {len(found)} expressions")
    for where, expr in found:
        check("$" not in expr, f"{where}: a variable is left in {expr}")


def names_exist(port, *paths):
    """Whatever name a dashboard or rules use, the exporter has, or Prometheus, or the rules."""
    names = {name for name, _ in read(ask(port)[2])} | {"up", "scrape_duration_seconds", "scrape_samples_scraped"}
    texts = []
    for path in paths:
        if path.endswith(".json"):
            texts += get_expressions(path)[1]
            continue
        with open(path, encoding="utf-8") as f:
            text = f.read()
        names |= set(re.findall(r"^ *- record: (\S+)", text, re.M))
        texts.append((path, text))
    for where, text in texts:
        for name in re.findall(r"\b(?:kvmeter|process|scrape)[_:][a-z0-9_:]*[a-z0-9]", text):
            check(name in names or name in ("kvmeter_export",), f"{where}: there is no {name}")


def expressions(port, path):
    """Prometheus takes each expression of a dashboard, and has something for most of them."""
    found = get_expressions(path)[1]
    empty = [(where, expr) for where, expr in found if not query(port, expr)]
    check(len(empty) <= len(found) / 4, f"nothing for {empty}")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
