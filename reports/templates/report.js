"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const byId = (id) => document.getElementById(id);
  const drills = all("article[data-drill]");
  const find = byId("find");

  const openTarget = () => {
    const target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
    const details = target && target.querySelector("details");
    if (details) details.open = true;
  };
  addEventListener("hashchange", openTarget);
  openTarget();
  addEventListener("beforeprint", () => {
    for (const drill of drills)
      if (drill.dataset.verdict !== "PASS" || drill.firstElementChild.open)
        for (const details of all("details", drill)) details.open = true;
    for (const details of all("main > section:not(#drills) details")) details.open = true;
  });
  if (!find) return;

  const verdict = byId("verdict");
  const mode = byId("mode");
  const table = document.querySelector(".matrix");
  const families = all("tbody", table);
  const words = new Map(
    drills.map((drill) => [
      drill.id,
      all("summary, .because", drill).slice(0, 2).map((part) => part.textContent).join(" ").toLowerCase(),
    ]),
  );

  const folded = (family) => {
    const button = family.querySelector(".family button");
    return button && button.getAttribute("aria-expanded") === "false";
  };

  const show = () => {
    const text = find.value.toLowerCase();
    const shown = new Set();
    for (const drill of drills) {
      const fits =
        (!verdict.value || drill.dataset.verdict === verdict.value) &&
        (!mode.value || drill.dataset.mode === mode.value) &&
        words.get(drill.id).includes(text);
      drill.hidden = !fits;
      if (fits) shown.add(drill.id);
    }
    for (const family of families) {
      const rows = all("tr[data-drill]", family);
      family.hidden = !rows.some((row) => shown.has(row.dataset.drill));
      for (const row of rows) row.hidden = !shown.has(row.dataset.drill) || folded(family);
    }
    for (const button of all("[data-filter]"))
      button.setAttribute("aria-pressed", String(button.dataset.filter === verdict.value));
    byId("showing").textContent =
      shown.size === drills.length ? "" : `Showing ${shown.size} of ${drills.length} drills`;
  };

  for (const button of all("[data-filter]")) {
    button.disabled = button.hasAttribute("data-none");
    button.addEventListener("click", () => {
      verdict.value = verdict.value === button.dataset.filter ? "" : button.dataset.filter;
      show();
    });
  }
  for (const control of [find, verdict, mode]) control.addEventListener("input", show);

  for (const button of all(".family button")) {
    button.disabled = false;
    const row = button.closest("tr");
    const passed = row.querySelector(".badge").dataset.verdict === "PASS";
    button.setAttribute("aria-expanded", String(!passed));
    button.addEventListener("click", () => {
      button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") === "false"));
      show();
    });
  }

  const key = (row, place, kind) => {
    let left = place;
    const cell = [...row.cells].find((each) => (left -= each.colSpan) < 0);
    return kind === "number" ? Number(cell.dataset.v ?? -1) : cell.textContent.trim();
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en"));
  const sorted = (rows, of, sign) => rows.sort((a, b) => sign * compare(of(a), of(b)));

  for (const button of all("[data-sort]")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const place = head.cellIndex;
      const kind = button.dataset.sort;
      const first = kind === "number" ? "descending" : "ascending";
      const other = kind === "number" ? "ascending" : "descending";
      const direction = head.getAttribute("aria-sort") === first ? other : first;
      const sign = direction === "ascending" ? 1 : -1;
      for (const each of all("[aria-sort]", table)) each.setAttribute("aria-sort", "none");
      head.setAttribute("aria-sort", direction);
      const of = (row) => key(row, place, kind);
      for (const family of families)
        if (place !== 1) family.append(...sorted(all("tr[data-drill]", family), of, sign));
      table.append(...sorted(families, (family) => of(family.rows[0]), sign));
    });
  }

  const fold = (open) => {
    for (const details of all("details")) details.open = open;
    for (const button of all(".family button")) button.setAttribute("aria-expanded", String(open));
    show();
  };
  byId("unfold").addEventListener("click", () => fold(true));
  byId("fold").addEventListener("click", () => fold(false));
  for (const tools of all(".tools")) tools.hidden = false;
  show();
})();
