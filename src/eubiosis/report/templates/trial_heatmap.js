(function () {
  "use strict";
  /* the heatmap: endpoint, arm and quantity over the grids that lie in the page */
  var store = document.getElementById("trial-results"), svg = document.getElementById("heat");
  var answer = store ? JSON.parse(store.textContent).answer : null, controls = document.getElementById("heat-controls");
  if (!svg || !controls || !answer || !answer.grids.length) { return; }
  var pick = document.getElementById("heat-grid"), shown = document.getElementById("heat-quantity"), note = document.getElementById("heat-reading");
  var words = document.getElementById("heat-words"), still = svg.innerHTML, label = svg.getAttribute("aria-label"), first = words.textContent;
  var W = 480, H = 320, L = 54, R = 20, T = 30, B = 46, design = answer.rows[0], NS = "http://www.w3.org/2000/svg";
  var names = { common: "assurance", sceptical: "assurance under the sceptical prior", power: "power at the relevant effect" };
  var start = answer.grids.findIndex(function (g) { return g.primary && g.arm === answer.headline_of; });
  function option(select, value, text) { var one = document.createElement("option"); one.value = value; one.textContent = text; select.appendChild(one); }
  answer.grids.forEach(function (g, k) { option(pick, k, g.label + ", " + g.arm + (g.primary ? " (primary)" : "")); });
  function add(tag, attributes, text) {
    var one = document.createElementNS(NS, tag);
    Object.keys(attributes).forEach(function (name) { one.setAttribute(name, attributes[name]); });
    if (text) { one.textContent = text; }
    svg.appendChild(one);
  }
  function percent(share) {
    if (share < 0.0095) { return "under 1\u00a0%"; }
    return share > 0.995 ? "over 99\u00a0%" : Math.round(100 * share) + "\u00a0%";
  }
  function edges(places) {
    var found = [places[0]];
    for (var k = 1; k < places.length; k += 1) { found.push((places[k - 1] + places[k]) / 2); }
    found.push(places[places.length - 1]); return found;
  }
  function scales(g) {
    var n = g.participants, w = g.weeks, a = Math.log(n[0]), b = Math.log(n[n.length - 1]);
    return {
      x: function (size) { return L + (Math.log(size) - a) / (b - a) * (W - L - R); },
      y: function (week) { return H - B - (week - w[0]) / (w[w.length - 1] - w[0]) * (H - T - B); }
    };
  }
  /* where a row first reaches a level, straight in the logarithm of the size */
  function crossing(level, sizes, row) {
    for (var k = 0; k < row.length; k += 1) {
      if (row[k] >= level) {
        if (!k) { return sizes[0]; }
        var share = (level - row[k - 1]) / (row[k] - row[k - 1]), low = Math.log(sizes[k - 1]);
        return Math.exp(low + share * (Math.log(sizes[k]) - low));
      }
    }
    return null;
  }
  function fill() {
    var g = answer.grids[Number(pick.value)], before = shown.value;
    shown.textContent = "";
    Object.keys(names).forEach(function (q) { if (g[q].length) { option(shown, q, names[q]); } });
    shown.value = g[before] && g[before].length ? before : shown.options[0].value;
  }
  function draw() {
    var g = answer.grids[Number(pick.value)], q = shown.value, rows = g[q], s = scales(g), most = 0;
    note.textContent = "";
    if (Number(pick.value) === start && q === "common") {
      svg.innerHTML = still; svg.setAttribute("aria-label", label); words.textContent = first; return;
    }
    Array.prototype.slice.call(svg.querySelectorAll("rect")).forEach(function (one) { one.remove(); });
    Array.prototype.slice.call(svg.querySelectorAll("polyline.c0, text.level")).forEach(function (one) { one.remove(); });
    var across = edges(g.participants.map(s.x)), down = edges(g.weeks.map(s.y)), ground = svg.firstChild;
    rows.forEach(function (row, k) {
      row.forEach(function (value, i) {
        most = Math.max(most, value);
        var top = Math.min(down[k], down[k + 1]), one = document.createElementNS(NS, "rect");
        one.setAttribute("class", "heat"); one.setAttribute("x", across[i]); one.setAttribute("y", top);
        one.setAttribute("width", across[i + 1] - across[i]); one.setAttribute("height", Math.abs(down[k + 1] - down[k]));
        one.setAttribute("fill-opacity", value.toFixed(2)); svg.insertBefore(one, ground);
      });
    });
    var reached = [];
    [[0.5, "line c0 d2"], [0.7, "line c0 d1"], [0.8, "line c0"]].forEach(function (pair) {
      var points = [], lines = [points];
      rows.forEach(function (row, k) {
        var size = crossing(pair[0], g.participants, row);
        if (size === null) { points = []; lines.push(points); } else { points.push([s.x(size), s.y(g.weeks[k])]); }
      });
      lines.filter(function (line) { return line.length; }).forEach(function (line) {
        reached.push(percent(pair[0]));
        add("polyline", { "class": pair[1], points: line.map(function (p) { return p[0].toFixed(1) + "," + p[1].toFixed(1); }).join(" ") });
        var end = line[line.length - 1];
        add("text", { "class": "note level", x: end[0] + 4, y: end[1] + 12 }, percent(pair[0]));
      });
    });
    var whose = q === "common" ? " over " + g.prior : "";
    words.textContent = g.label + ", " + g.arm + ": " + names[q] + whose + ", " + (reached.length ? "contours " + reached.join(", ") : "nowhere above " + percent(most) + ", so that no contour is drawn") + ".";
    svg.setAttribute("aria-label", "Heatmap. " + words.textContent);
  }
  svg.addEventListener("pointermove", function (event) {
    var box = svg.getBoundingClientRect(), g = answer.grids[Number(pick.value)], s = scales(g), i = 0, k = 0;
    var px = (event.clientX - box.left) / box.width * W, py = (event.clientY - box.top) / box.height * H;
    g.participants.forEach(function (n, j) { if (Math.abs(s.x(n) - px) < Math.abs(s.x(g.participants[i]) - px)) { i = j; } });
    g.weeks.forEach(function (w, j) { if (Math.abs(s.y(w) - py) < Math.abs(s.y(g.weeks[k]) - py)) { k = j; } });
    note.textContent = g.participants[i].toLocaleString("en") + " participants, " + g.weeks[k] + " weeks, " + Math.round(g.participants[i] * g.visits[k]).toLocaleString("en") + " visits: " + names[shown.value] + " " + percent(g[shown.value][k][i]) + ". Simulated.";
  });
  pick.addEventListener("input", function () { fill(); draw(); });
  shown.addEventListener("input", draw);
  pick.value = start < 0 ? 0 : start; fill(); controls.hidden = false; draw();
}());
