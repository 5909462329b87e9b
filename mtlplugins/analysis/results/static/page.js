// Charts, filter, sorting and the slider of the results page.
"use strict";

const charts = JSON.parse(document.getElementById("charts").textContent);
const boxes = [...document.querySelectorAll(".key input[type=checkbox]")];
const search = document.querySelector(".key input[type=search]");
const dark = matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// which experiments are shown, by their number
function shown() {
  const words = search.value.toLowerCase();
  return boxes.map(box => box.checked && box.dataset.name.toLowerCase().includes(words));
}

function layoutOf(chart) {
  const axis = {gridcolor: colour("--line"), zerolinecolor: colour("--strong"), automargin: true};
  return {
    showlegend: false, ...chart.layout,
    title: {text: chart.title, font: {size: 13}, x: 0.02, xanchor: "left"},
    font: {color: colour("--ink"), size: 11},
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    margin: {l: 48, r: 12, t: 34, b: 38},
    hoverlabel: {
      namelength: -1, bgcolor: colour("--paper"), bordercolor: colour("--strong"),
      font: {size: 12, color: colour("--ink")},
    },
    xaxis: {...axis, ...chart.layout.xaxis}, yaxis: {...axis, ...chart.layout.yaxis},
  };
}

function draw(place) {
  const chart = charts[place.dataset.chart];
  const visible = shown();
  const data = chart.data.map(trace => ({
    ...trace, visible: trace.meta === undefined || visible[trace.meta],
    ...(trace.error_y && {error_y: {...trace.error_y, color: colour("--faint"), thickness: 1}}),
  }));
  Plotly.react(place, data, layoutOf(chart), {displaylogo: false, responsive: true});
  place.dataset.drawn = "yes";
}

if (typeof Plotly !== "undefined") {
  const places = [...document.querySelectorAll("[data-chart]")];
  const seen = new IntersectionObserver(entries => {
    for (const entry of entries) {
      if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
    }
  }, {rootMargin: "300px"});
  places.forEach(place => seen.observe(place));
  dark.addEventListener("change", () => places.filter(p => p.dataset.drawn).forEach(draw));
}

function filter() {
  const visible = shown();
  boxes.forEach((box, i) => {
    box.parentElement.hidden = !box.dataset.name.toLowerCase().includes(search.value.toLowerCase());
    for (const row of document.querySelectorAll(`tr[data-experiment="${i}"]`)) row.hidden = !visible[i];
  });
  document.querySelectorAll("[data-drawn]").forEach(draw);
}
search?.addEventListener("input", filter);
boxes.forEach(box => box.addEventListener("change", filter));

// numbers by size, others by letters, empty cells last
function sort(table, column, descending) {
  const value = row => row.cells[column].textContent.trim();
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    const [p, q] = [parseFloat(x), parseFloat(y)];
    if (x === "–" || y === "–") return (x === "–") - (y === "–");
    const order = isNaN(p) || isNaN(q) ? x.localeCompare(y) : p - q;
    return descending ? -order : order;
  });
  table.tBodies[0].append(...rows);
}
for (const table of document.querySelectorAll("table.sorted")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const turn = () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sort(table, column, descending);
    };
    head.tabIndex = 0;
    head.addEventListener("click", turn);
    head.addEventListener("keydown", event => { if (event.key === "Enter") turn(); });
  });
}

// two of the tiles of a task on top of each other
for (const part of document.querySelectorAll(".compare")) {
  const [task, left, right] = part.querySelectorAll("select");
  const slider = part.querySelector(".slider");
  const [under, over] = slider.querySelectorAll("img");
  const range = slider.querySelector("input");
  const tiles = [...part.nextElementSibling.querySelectorAll("img[data-task]")];
  function choose(select) {
    const found = tiles.find(t => t.dataset.task === task.value && t.dataset.source === select.value);
    return found || tiles.find(t => t.dataset.source === "image");
  }
  function show() {
    under.src = choose(left).src;
    over.src = choose(right).src;
    under.alt = choose(left).alt;
    over.alt = choose(right).alt;
  }
  range.addEventListener("input", () => slider.style.setProperty("--cut", `${range.value}%`));
  [task, left, right].forEach(select => select.addEventListener("change", show));
  show();
}
