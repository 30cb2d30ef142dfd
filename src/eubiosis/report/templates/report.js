(function () {
  "use strict";
  var store = document.getElementById("trial-results");
  if (!store) { return; }
  var data = JSON.parse(store.textContent), answer = data.answer;
  function $(id) { return document.getElementById(id); }
  function save(name, text, kind) {
    var url = URL.createObjectURL(new Blob([text], { type: kind })), link = document.createElement("a");
    link.href = url; link.download = name; document.body.appendChild(link); link.click(); link.remove();
    setTimeout(function () { URL.revokeObjectURL(url); }, 1000);
  }
  function button(words, action) {
    var made = document.createElement("button");
    made.type = "button"; made.textContent = words; made.addEventListener("click", action);
    return made;
  }
  function quoted(text) { text = text.replace(/\s+/g, " ").trim(); return /[",\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text; }
  /* lines of a cell stay apart in a table of text: "29" over "10.0 % or more" is no 2910 */
  function inWords(cell) {
    var copy = cell.cloneNode(true);
    Array.prototype.forEach.call(copy.querySelectorAll(".minor:not(.keep), br"), function (one) { one.insertAdjacentText("beforebegin", "; "); });
    return copy.textContent.replace(/\s+/g, " ").replace(/^[;\s]+| (?=;)/g, "");
  }
  /* data of the page and of each table */
  var downloads = $("downloads");
  if (downloads) {
    downloads.hidden = false;
    downloads.appendChild(button("Download all data (JSON)", function () { save("results.json", JSON.stringify(data, null, 1), "application/json"); }));
  }
  Array.prototype.forEach.call(document.querySelectorAll("table[data-file]"), function (table) {
    var words = "Download this table (CSV)", made = button(words, function () {
      var lines = ["# simulated or arithmetic on simulations; " + data.origin.statement];
      Array.prototype.forEach.call(table.rows, function (row) {
        lines.push(Array.prototype.map.call(row.cells, function (cell) { return quoted(inWords(cell)); }).join(","));
      });
      save(table.dataset.file + ".csv", lines.join("\r\n") + "\r\n", "text/csv");
    });
    made.setAttribute("aria-label", words + ": " + table.dataset.file);
    table.parentNode.insertAdjacentElement("afterend", made);
  });
  Array.prototype.forEach.call(document.querySelectorAll("pre[data-file]"), function (text) {
    text.insertAdjacentElement("afterend", button("Download " + text.dataset.file, function () { save(text.dataset.file, text.textContent, "text/yaml"); }));
  });
  /* before printing all is open but long lists, afterwards as it was */
  var closed = [];
  window.addEventListener("beforeprint", function () {
    closed = Array.prototype.filter.call(document.querySelectorAll("details"), function (one) { return !one.open && !one.classList.contains("long"); });
    closed.forEach(function (one) { one.open = true; });
  });
  window.addEventListener("afterprint", function () { closed.forEach(function (one) { one.open = false; }); });
  /* the picture: endpoint, arm, length and size over the precomputed lines */
  var svg = $("picture"), controls = $("controls");
  if (!svg || !controls || !answer || !answer.lines.length) { return; }
  var still = svg.innerHTML, label = svg.getAttribute("aria-label"), note = $("reading"), legend = $("legend"), words = legend.innerHTML;
  var endpoint = $("pick-endpoint"), arm = $("pick-arm"), weeks = $("pick-weeks"), size = $("pick-size"), back = $("pick-reset");
  var lines = answer.lines, W = 540, H = 330, L = 50, R = 26, T = 10, B = 46;
  function option(select, value, text) { var one = document.createElement("option"); one.value = value; one.textContent = text; select.appendChild(one); }
  function unique(key) { return lines.map(key).filter(function (one, k, all) { return all.indexOf(one) === k; }); }
  unique(function (l) { return l.endpoint; }).forEach(function (id) {
    var line = lines.filter(function (l) { return l.endpoint === id; })[0];
    option(endpoint, id, line.label + (line.primary ? " (primary)" : "") + (line.role === "exposure marker" ? " (adherence)" : ""));
  });
  unique(function (l) { return l.arm; }).forEach(function (name) { option(arm, name, name); });
  unique(function (l) { return l.weeks; }).forEach(function (w) { option(weeks, w, w + " weeks"); });
  var first = answer.rows[0], sizes = lines[0].participants;
  size.max = sizes.length - 1;
  function reset() {
    endpoint.value = data.answer.pictured[0]; arm.value = answer.headline_of; weeks.value = first.weeks; size.value = sizes.indexOf(first.participants);
  }
  function chosen() {
    return lines.filter(function (l) { return l.endpoint === endpoint.value && l.arm === arm.value && String(l.weeks) === weeks.value; })[0];
  }
  function x(n) { var a = Math.log(sizes[0]), b = Math.log(sizes[sizes.length - 1]); return L + (Math.log(n) - a) / (b - a) * (W - L - R); }
  function y(p) { return H - B - p * (H - T - B); }
  var NS = "http://www.w3.org/2000/svg";
  function add(tag, attributes, text) {
    var one = document.createElementNS(NS, tag);
    Object.keys(attributes).forEach(function (name) { one.setAttribute(name, attributes[name]); });
    if (text) { one.textContent = text; }
    svg.appendChild(one); return one;
  }
  function path(values) { return values.map(function (v, k) { return x(sizes[k]).toFixed(1) + "," + y(v).toFixed(1); }).join(" "); }
  function percent(share) {
    if (share < 0.0095) { return "under 1\u00a0%"; }
    return share > 0.995 ? "over 99\u00a0%" : Math.round(100 * share) + "\u00a0%";
  }
  function tenths(share) { return (100 * share).toFixed(1) + "\u00a0%"; }
  function draw() {
    var line = chosen(), k = Number(size.value), n = sizes[k], same = endpoint.value === answer.pictured[0] && arm.value === answer.headline_of && weeks.value === String(first.weeks);
    size.setAttribute("aria-valuetext", n + " participants");
    if (!line) { note.textContent = "Not estimable: no simulated trial gave this endpoint a finite estimate."; return; }
    svg.innerHTML = still;
    if (!same) {
      Array.prototype.slice.call(svg.querySelectorAll("polyline, polygon, circle")).forEach(function (one) { one.remove(); });
      if (line.middle.length) {
        add("polygon", { "class": "band f1", points: path(line.low) + " " + sizes.map(function (_, j) { var i = sizes.length - 1 - j; return x(sizes[i]).toFixed(1) + "," + y(line.high[i]).toFixed(1); }).join(" ") });
        add("polyline", { "class": "line c1", points: path(line.middle) });
      }
      if (line.common.length) { add("polyline", { "class": "thin c1 d2", points: path(line.common) }); }
      line.simulated.forEach(function (s) { add("circle", { "class": "spot c1", r: 3.8, cx: x(s[0]), cy: y(s[1]) }); });
    }
    add("line", { "class": "c3 thin", x1: x(n), x2: x(n), y1: T, y2: H - B });
    var said = line.label + ", " + line.arm + ", " + line.weeks + " weeks, " + n.toLocaleString("en") + " participants: ";
    var parts = [];
    if (line.middle.length) { parts.push("power " + percent(line.middle[k]) + " (" + percent(line.low[k]) + " to " + percent(line.high[k]) + ") at the relevant effect"); }
    else { parts.push("no relevant effect was named, so no power"); }
    if (line.common.length) { parts.push("assurance " + percent(line.common[k]) + (line.role === "clinical" ? " under the common prior" : " over the simulated worlds")); }
    if (line.sceptical.length) { parts.push(percent(line.sceptical[k]) + " under the sceptical one"); }
    line.simulated.forEach(function (s) { if (s[0] === n) { parts.push("simulated trials with p < 0.05: " + tenths(s[1]) + " ± " + tenths(s[2])); } });
    note.textContent = said + parts.join("; ") + ". Simulated.";
    legend.innerHTML = words; legend.hidden = !same;
    svg.setAttribute("aria-label", same ? label : note.textContent);
  }
  [endpoint, arm, weeks, size].forEach(function (one) { one.addEventListener("input", draw); });
  back.addEventListener("click", function () { reset(); draw(); });
  svg.addEventListener("pointermove", function (event) {
    var box = svg.getBoundingClientRect(), at = (event.clientX - box.left) / box.width * W, best = 0;
    sizes.forEach(function (n, k) { if (Math.abs(x(n) - at) < Math.abs(x(sizes[best]) - at)) { best = k; } });
    size.value = best; draw();
  });
  controls.hidden = false; reset(); draw();
})();
