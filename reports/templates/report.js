"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const drills = all("article[data-drill]");
  const find = document.getElementById("find");
  if (!find) return;
  let wanted = "";

  const matches = (drill) =>
    (!wanted || drill.dataset.verdict === wanted) &&
    drill.querySelector("header").textContent.toLowerCase().includes(find.value.toLowerCase());

  const show = () => {
    const shown = new Set(drills.filter(matches).map((drill) => drill.id));
    for (const part of all("[data-drill]")) part.hidden = !shown.has(part.dataset.drill);
    for (const button of all("[data-filter]"))
      button.setAttribute("aria-pressed", String(button.dataset.filter === wanted));
    document.getElementById("showing").textContent =
      shown.size === drills.length ? "" : `Showing ${shown.size} of ${drills.length} drills`;
  };

  const fold = (open) => {
    for (const details of all("details")) details.open = open;
  };

  for (const button of all("[data-filter]")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      wanted = wanted === button.dataset.filter ? "" : button.dataset.filter;
      show();
    });
  }
  find.addEventListener("input", show);
  document.getElementById("unfold").addEventListener("click", () => fold(true));
  document.getElementById("fold").addEventListener("click", () => fold(false));
  window.addEventListener("beforeprint", () => fold(true));
  for (const tools of all(".tools")) tools.hidden = false;
  show();
})();
