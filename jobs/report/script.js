"use strict";
/* Tables that can be sorted and filtered; all details open in print. Nothing of the page is made from text. */
(function () {
  function make(name, properties) {
    return Object.assign(document.createElement(name), properties);
  }
  function value(row, column) {
    var cell = row.cells[column];
    if (cell.dataset.v !== undefined) return parseFloat(cell.dataset.v);
    var text = cell.textContent.trim();
    return cell.className === "n" ? NaN : text;
  }
  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") {
      if (isNaN(a) || isNaN(b)) return isNaN(a) && isNaN(b) ? 0 : null;
      return a - b;
    }
    return String(a).localeCompare(String(b), "en", { numeric: true });
  }
  function sort(table, column) {
    var head = table.tHead.rows[0].cells, body = table.tBodies[0], rows = Array.from(body.rows);
    var down = head[column].getAttribute("aria-sort") === "ascending";
    rows = rows.map(function (row, place) { return { row: row, place: place, value: value(row, column) }; });
    rows.sort(function (a, b) {
      var order = compare(a.value, b.value);
      if (order === null) return isNaN(a.value) ? 1 : -1; /* what is not there comes last either way */
      return (down ? -order : order) || a.place - b.place;
    });
    rows.forEach(function (one) { body.appendChild(one.row); });
    Array.from(head).forEach(function (cell) { cell.removeAttribute("aria-sort"); });
    head[column].setAttribute("aria-sort", down ? "descending" : "ascending");
  }
  function addSorting(table) {
    Array.from(table.tHead.rows[0].cells).forEach(function (cell, column) {
      var button = make("button", { type: "button", textContent: cell.textContent });
      cell.textContent = "";
      cell.appendChild(button);
      button.addEventListener("click", function () { sort(table, column); });
    });
  }
  function addFilter(table) {
    var rows = Array.from(table.tBodies[0].rows), box = make("div", { className: "filter" }), controls = [];
    var caption = table.caption.firstChild.textContent.trim();
    var shown = make("output", {});
    function apply() {
      var n = 0;
      rows.forEach(function (row) {
        var good = controls.every(function (control) { return control.fits(row); });
        row.hidden = !good;
        n += good;
      });
      shown.textContent = n + " of " + rows.length + " rows";
    }
    function add(label, control, fits) {
      var wrap = make("label", { textContent: label });
      wrap.appendChild(control);
      box.appendChild(wrap);
      controls.push({ fits: fits });
      control.addEventListener("input", apply);
    }
    var search = make("input", { type: "search" });
    search.setAttribute("aria-label", "Search in: " + caption);
    add("Search", search, function (row) {
      return row.textContent.toLowerCase().includes(search.value.trim().toLowerCase());
    });
    Array.from(table.tHead.rows[0].cells).slice(0, 2).forEach(function (cell, column) {
      var name = cell.textContent, values = Array.from(new Set(rows.map(function (row) { return row.cells[column].textContent; })));
      if (cell.className === "n" || values.length < 2 || values.length > 40) return;
      var select = make("select", {});
      select.setAttribute("aria-label", name + ", in: " + caption);
      select.appendChild(make("option", { value: "", textContent: "all" }));
      values.forEach(function (v) { select.appendChild(make("option", { value: v, textContent: v })); });
      add(name, select, function (row) { return !select.value || row.cells[column].textContent === select.value; });
    });
    box.appendChild(shown);
    apply();
    table.parentNode.parentNode.insertBefore(box, table.parentNode);
  }
  function openTarget() {
    var target = location.hash && document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") target.open = true;
  }
  document.addEventListener("DOMContentLoaded", function () {
    document.querySelectorAll("table.tools").forEach(function (table) {
      if (table.tBodies[0].rows.length < 3) return;
      addFilter(table);
      addSorting(table);
    });
    var closed = [];
    window.addEventListener("beforeprint", function () {
      closed = Array.from(document.querySelectorAll("details:not([open])"));
      closed.forEach(function (one) { one.open = true; });
    });
    window.addEventListener("afterprint", function () { closed.forEach(function (one) { one.open = false; }); });
    window.addEventListener("hashchange", openTarget);
    openTarget();
  });
})();
