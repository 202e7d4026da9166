"use strict";

const number = new Intl.Collator(undefined, { numeric: true });

function compare(a, b) {
  if (a === "" || b === "") return (a === "") - (b === "");
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) ? number.compare(a, b) : difference;
}

function sortBy(header) {
  const column = header.cellIndex;
  const body = header.closest("table").tBodies[0];
  const isAscending = header.getAttribute("aria-sort") !== "ascending";
  const key = (row) => row.cells[column].dataset.key;
  const rows = [...body.rows].sort((a, b) => {
    const isEmpty = key(a) === "" || key(b) === "";
    return isAscending || isEmpty ? compare(key(a), key(b)) : compare(key(b), key(a));
  });
  for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", isAscending ? "ascending" : "descending");
  body.append(...rows);
}

for (const header of document.querySelectorAll("th[data-sortable]")) {
  header.querySelector("button").addEventListener("click", () => sortBy(header));
}

async function unpacked(id) {
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

async function loadPlotly() {
  const script = document.createElement("script");
  script.textContent = await unpacked("plotly");
  document.head.append(script);
}

const isDark = matchMedia("(prefers-color-scheme: dark)");
const isTouched = matchMedia("(pointer: coarse)").matches;
const textColor = () => getComputedStyle(document.body).getPropertyValue("--quiet").trim();

const CONFIG = {
  responsive: true,
  displaylogo: false,
  displayModeBar: isTouched ? false : "hover",
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
};

function draw(place, figure) {
  const layout = { ...figure.layout, font: { color: textColor() }, autosize: true };
  if (isTouched) {  // a finger on a figure scrolls the page
    layout.dragmode = false;
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) layout[name].fixedrange = true;
  }
  return Plotly.newPlot(place, figure.data, layout, CONFIG);
}

async function drawAll() {
  const places = [...document.querySelectorAll(".figure")];
  if (!places.length) return;
  let figures;
  try {
    await loadPlotly();
    figures = JSON.parse(await unpacked("figures"));
  } catch (error) {
    for (const place of places) place.textContent = `This browser cannot show the figure: ${error.message}`;
    return;
  }
  for (const place of places) await draw(place, figures[place.dataset.figure]);
  isDark.addEventListener("change", () => {
    for (const place of places) Plotly.relayout(place, { "font.color": textColor() });
  });
  document.body.dataset.ready = "true";
}

drawAll();
