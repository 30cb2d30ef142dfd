(function () {
  "use strict";
  var words = document.getElementById("find"), basis = document.getElementById("basis"), table = document.getElementById("table");
  var count = document.getElementById("found");
  var rows = Array.prototype.slice.call(document.querySelectorAll("#numbers tbody tr"));
  document.getElementById("filters").hidden = false;
  var list = document.getElementById("list");
  function filter() {
    if (words.value || basis.value || table.value) { list.open = true; }
    var wanted = words.value.toLowerCase().split(/\s+/), shown = 0;
    rows.forEach(function (row) {
      var text = row.textContent.toLowerCase();
      var fits = wanted.every(function (word) { return text.indexOf(word) >= 0; });
      fits = fits && (!basis.value || row.dataset.basis === basis.value) && (!table.value || row.dataset.table === table.value);
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    count.textContent = shown + " of " + rows.length + " numbers";
  }
  [words, basis, table].forEach(function (each) { each.addEventListener("input", filter); });
  window.addEventListener("hashchange", open);
  function open() {
    var target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) { return; }
    if (target.hidden) { words.value = ""; basis.value = ""; table.value = ""; filter(); }
    for (var up = target.parentElement; up; up = up.parentElement) { if (up.tagName === "DETAILS") { up.open = true; } }
    target.scrollIntoView();
  }
  filter();
  open();
})();
