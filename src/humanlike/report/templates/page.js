"use strict";
const root = document.documentElement;
const theme = document.getElementById("theme");
const themes = { "": "as the system", light: "light", dark: "dark" };
const wear = (name) => {
  if (name) root.dataset.theme = name; else delete root.dataset.theme;
  theme.textContent = `Colours: ${themes[name]}`;
};
const remember = (name) => { try { localStorage.setItem("theme", name); } catch { /* a page may be denied it */ } };
let worn = "";
try { worn = localStorage.getItem("theme") || ""; } catch { /* then the system's */ }
wear(worn in themes ? worn : "");
theme.hidden = false;
theme.addEventListener("click", () => {
  const names = Object.keys(themes);
  const next = names[(names.indexOf(root.dataset.theme || "") + 1) % names.length];
  wear(next);
  remember(next);
});

const grid = document.getElementById("grid");
if (grid) {
  document.getElementById("tools").hidden = false;
  const rows = [...grid.children];
  const value = (row, by) => Number.parseFloat(JSON.parse(row.dataset.scores)[by] ?? "-1");
  document.getElementById("sort").addEventListener("change", (event) => {
    const by = event.target.value;
    const sorted = [...rows];
    if (by === "name") sorted.sort((a, b) => a.dataset.network.localeCompare(b.dataset.network));
    else if (by !== "run") sorted.sort((a, b) => value(b, by) - value(a, by));
    grid.append(...sorted);
  });
  document.getElementById("outline").addEventListener("change", (event) => {
    for (const over of document.querySelectorAll(".over"))
      for (const shape of over.children)
        shape.toggleAttribute("hidden", shape.dataset.reference !== event.target.value);
  });
  const cells = [...grid.querySelectorAll(".cell")];
  const close = (except) => cells.forEach((cell) => { if (cell !== except) cell.classList.remove("open", "shut"); });
  for (const cell of cells) {
    cell.querySelector("button")?.addEventListener("click", () => {
      close(cell);
      cell.classList.remove("shut");
      cell.classList.toggle("open");
    });
    cell.addEventListener("mouseleave", () => cell.classList.remove("shut"));
    cell.addEventListener("focusout", () => cell.classList.remove("open", "shut"));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") cells.forEach((cell) => { cell.classList.remove("open"); cell.classList.add("shut"); });
  });
}

const folded = [...document.querySelectorAll("details")];
let open = [];
addEventListener("beforeprint", () => { open = folded.map((d) => d.open); folded.forEach((d) => { d.open = true; }); });
addEventListener("afterprint", () => folded.forEach((d, i) => { d.open = open[i]; }));
