#!/usr/bin/env python3
"""The page of `einthoven report` in a browser, by WebDriver: report.py PAGE METRICS.json... speaks TAP.

What is checked: nothing is asked of the network and nothing complained of; sorting and filtering by mouse and keyboard;
names, headings, labels and contrast as in WCAG 2.2 AA; widths of a telephone; print; numbers against metrics.json.
"""
import base64
import json
import socket
import subprocess
import sys
import time
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ENTER, TAB, DOWN = "\ue007", "\ue004", "\ue015"
tests = failed = 0


def check(name, good, detail=""):
    global tests, failed
    tests += 1
    failed += not good
    print(("ok" if good else "not ok"), tests, "-", name)
    if not good:
        print("#  ", str(detail)[:2000].replace("\n", "\n#   "))


class Browser:
    def __init__(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                if self.call("GET", "/status")["ready"]:
                    break
            except OSError:
                time.sleep(0.1)
        options = {"args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]}
        wanted = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}
        self.url += "/session/" + self.call("POST", "/session", {"capabilities": wanted})["sessionId"]

    def call(self, method, path, body=None):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def run(self, script, *args):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def find(self, selector):
        return self.call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        element = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'})", {ELEMENT: element})
        self.call("POST", f"/element/{element}/click")

    def keys(self, selector, text):
        self.call("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def developer(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def log(self, kind):
        return self.call("POST", "/se/log", {"type": kind})

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()


COLUMN = """return Array.from(document.querySelectorAll('#results tbody tr')).filter(r => !r.hidden)
    .map(r => r.cells[arguments[0]].dataset.v).filter(v => v !== undefined).map(Number)"""

# Names and structure, as axe-core's rules of these names have them.
STRUCTURE = """
const bad = [], text = e => (e.getAttribute('aria-label') || e.textContent).trim();
const seen = new Set();
document.querySelectorAll('[id]').forEach(e => { if (seen.has(e.id)) bad.push('duplicate id ' + e.id); seen.add(e.id); });
if (document.documentElement.lang !== 'en') bad.push('no language');
if (!document.title) bad.push('no title');
let level = 0;
document.querySelectorAll('h1,h2,h3,h4').forEach(h => {
    const n = Number(h.tagName[1]);
    if (n > level + 1) bad.push('heading jumps to ' + h.tagName + ' ' + h.textContent);
    level = n;
});
if (document.querySelectorAll('h1').length !== 1) bad.push('not one h1');
if (document.querySelectorAll('main').length !== 1) bad.push('not one main');
document.querySelectorAll('a[href^="#"]').forEach(a => {
    if (!document.getElementById(a.getAttribute('href').slice(1))) bad.push('dead link ' + a.getAttribute('href')); });
document.querySelectorAll('a,button,summary').forEach(e => { if (!text(e)) bad.push('no name ' + e.outerHTML); });
document.querySelectorAll('input,select').forEach(e => {
    if (!e.labels.length && !e.getAttribute('aria-label')) bad.push('no label ' + e.outerHTML); });
document.querySelectorAll('svg').forEach(s => {
    const names = (s.getAttribute('aria-labelledby') || '').split(' ').map(id => document.getElementById(id));
    if (s.getAttribute('role') !== 'img' || names.length !== 2 || names.some(n => !n || !n.textContent)) bad.push('svg without words'); });
document.querySelectorAll('th').forEach(h => { if (!h.scope) bad.push('th without scope'); });
document.querySelectorAll('table').forEach(t => { if (!t.caption) bad.push('table without caption'); });
document.querySelectorAll('.scroll').forEach(s => { if (s.tabIndex !== 0 || !s.getAttribute('aria-label')) bad.push('scroll region'); });
document.querySelectorAll('section').forEach(s => { if (!document.getElementById(s.getAttribute('aria-labelledby'))) bad.push('section'); });
return bad;
"""

# Contrast of every text against the background that it stands on; 4.5 : 1.
CONTRAST = """
const rgba = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
const light = c => { const f = c.slice(0, 3).map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * f[0] + 0.7152 * f[1] + 0.0722 * f[2]; };
const ground = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] > 0) return c; }
    return [255, 255, 255, 1]; };
const bad = new Set();
document.querySelectorAll('body *').forEach(e => {
    const own = Array.from(e.childNodes).some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.getClientRects().length || ['TITLE', 'DESC', 'SCRIPT', 'STYLE', 'OPTION'].includes(e.tagName.toUpperCase())) return;
    const style = getComputedStyle(e), front = rgba(e.tagName === 'text' ? style.fill : style.color), back = ground(e);
    const [a, b] = [light(front), light(back)], ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.add(e.tagName + '.' + e.getAttribute('class') + ' ' + ratio.toFixed(2));
});
document.querySelectorAll('svg [class*="line-"], svg [class*="dot-"]').forEach(e => {
    const style = getComputedStyle(e), front = rgba(style.stroke !== 'none' ? style.stroke : style.fill), back = ground(e.closest('svg'));
    const [a, b] = [light(front), light(back)], ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 3) bad.add(e.getAttribute('class') + ' ' + ratio.toFixed(2));
});
return Array.from(bad);
"""


def macro_values(paths):
    for path in paths:
        with open(path, encoding="utf-8") as file:
            metrics = json.load(file)
        for entry in metrics["arms"]:
            yield from (arm["macro"]["value"] for arm in entry["arms"])
            yield from (pair["difference"]["value"] for pair in entry["pairs"])


def check_quiet(b, page):
    messages = [m["message"] for m in b.log("browser")]
    check("no message on the console", not messages, messages)
    asked = set()
    for entry in b.log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            asked.add(message["params"]["request"]["url"])
    check("nothing is asked but the page", asked <= {"file://" + page}, asked)
    check("a request from the page is refused", b.run(
        "try { const r = new XMLHttpRequest(); r.open('GET', 'http://127.0.0.1:9/', false); r.send(); return 'sent'; } catch (e) { return ''; }") == "")
    b.log("browser")


def check_table(b):
    rows = b.run("return document.querySelectorAll('#results tbody tr').length")
    column = b.run("return Array.from(document.querySelectorAll('#results thead th')).findIndex(h => h.textContent === 'ssl')")
    button = f"#results thead th:nth-child({column + 1}) button"
    b.click(button)
    values = b.run(COLUMN, column)
    check("a click sorts upwards", len(values) > 1 and values == sorted(values), values)
    check("and says so", b.run("return document.querySelector('#results [aria-sort]').getAttribute('aria-sort')") == "ascending")
    b.keys(button, ENTER)
    values = b.run(COLUMN, column)
    check("Enter sorts downwards", values == sorted(values, reverse=True), values)
    check("and says so, of one column", b.run("return Array.from(document.querySelectorAll('#results [aria-sort]')).map(h => h.ariaSort)") == ["descending"])
    visible = "return Array.from(document.querySelectorAll('#results tbody tr')).filter(r => !r.hidden).map(r => r.cells[1].textContent)"
    b.keys("#results .filter label:nth-of-type(3) select", DOWN)
    cohort = b.run("return document.querySelector('#results .filter label:nth-of-type(3) select').value")
    shown = b.run(visible)
    check("arrow keys choose a cohort", cohort and shown and set(shown) == {cohort} and len(shown) < rows, (cohort, shown))
    check("how many are left is said", b.run("return document.querySelector('#results output').textContent") == f"{len(shown)} of {rows} rows")
    b.keys("#results .filter input", "no such text")
    check("a text filters", b.run(visible) == [])
    b.run("document.querySelectorAll('#results .filter input, #results .filter select').forEach(c => { c.value = ''; c.dispatchEvent(new Event('input')); })")
    check("and all come back", len(b.run(visible)) == rows)


def check_reading(b):
    b.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    bad = b.run(STRUCTURE)
    check("names, headings, labels", not bad, bad)
    for scheme in ("light", "dark"):
        b.developer("Emulation.setEmulatedMedia", media="screen", features=[{"name": "prefers-color-scheme", "value": scheme}])
        bad = b.run(CONTRAST)
        check(f"contrast in {scheme}", not bad, bad)
    b.developer("Emulation.setEmulatedMedia", media="", features=[])
    b.developer("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
    wide = b.run("return document.documentElement.scrollWidth")
    check("a telephone of 360 pixels needs no sideways scrolling", wide <= 360, wide)
    b.developer("Emulation.clearDeviceMetricsOverride")
    b.run("document.querySelectorAll('details').forEach(d => { d.open = false; })")


def check_keyboard(b):
    b.call("POST", "/refresh")
    b.call("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": [{"type": "keyDown", "value": TAB}, {"type": "keyUp", "value": TAB}]}]})
    check("the first stop of Tab leads past the navigation", b.run("return document.activeElement.className") == "skip")
    link = "#results tbody a[href^='#cell-']"
    target = b.run("return document.querySelector(arguments[0]).getAttribute('href').slice(1)", link)
    b.keys(link, ENTER)
    time.sleep(0.2)
    check("a task's link opens its details", b.run("return document.getElementById(arguments[0]).open", target))


def check_print(b):
    b.run("dispatchEvent(new Event('beforeprint'))")
    check("a print has everything open", b.run("return document.querySelectorAll('details:not([open])').length") == 0)
    b.run("dispatchEvent(new Event('afterprint'))")
    # Hundreds of pages would take minutes; two evaluations tell as much.
    b.run("document.querySelectorAll('details').forEach((d, i) => { if (i > 1) d.remove(); })")
    pdf = base64.b64decode(b.call("POST", "/print", {"page": {"width": 21.0, "height": 29.7}}))
    check("and comes out", pdf.startswith(b"%PDF") and len(pdf) > 10000, len(pdf))


def main():
    page, metrics = sys.argv[1], sys.argv[2:]
    b = Browser()
    try:
        b.call("POST", "/url", {"url": "file://" + page})
        took = b.run("const t = performance.getEntriesByType('navigation')[0]; return t.loadEventStart")
        print(f"# opened in {took:.0f} ms")
        check_quiet(b, page)
        shown = set(b.run("return Array.from(document.querySelectorAll('[data-v]')).map(e => Number(e.dataset.v))"))
        lacking = [v for v in macro_values(metrics) if v not in shown]
        check("numbers are those of metrics.json", metrics and not lacking, lacking)
        check_table(b)
        check_reading(b)
        check_keyboard(b)
        check_print(b)
        check("no script of others ran", b.run("return window.hacked === undefined"))
        messages = [m["message"] for m in b.log("browser")]
        check("and nothing was complained of", not messages, messages)
    finally:
        b.close()
    print(f"1..{tests}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
