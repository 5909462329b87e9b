// The page: a photo in, cards out; the mixer, where the embeddings are an input of the graph.
import { cosine, load, mix, predict, readPixels } from "./model.js";
import { drawCards } from "./draw.js";

const byId = (id) => document.getElementById(id);
const state = { model: null, pixels: null, found: null, weights: [], busy: false, again: false };
window.predictions = state; // for the console and for tests

function say(words, isError = false) {
  byId("status").textContent = words;
  byId("status").className = isError ? "error" : "";
}

// One prediction at a time; of the changes during one, only the last is predicted.
async function update() {
  if (!state.model || !state.pixels) return;
  if (state.busy) {
    state.again = true;
    return;
  }
  state.busy = true;
  try {
    const start = performance.now();
    state.found = await predict(state.model, state.pixels, state.weights);
    const seconds = (performance.now() - start) / 1000;
    drawCards(byId("cards"), state.model, state.pixels, state.found);
    say(`Predicted in ${seconds.toFixed(2)} s on this device.`);
  } catch (error) {
    say(error.message, true);
  }
  state.busy = false;
  if (state.again) {
    state.again = false;
    update();
  }
}

async function take(file) {
  if (!file) return;
  try {
    say("Predicting …");
    state.pixels = await readPixels(file);
  } catch (error) {
    say(error.message, true);
    return;
  }
  update();
}

function showCosines() {
  const { embeddings, tasks } = state.model;
  const table = byId("cosines");
  table.querySelectorAll("tr").forEach((row) => row.remove());
  const add = (cells) => {
    const row = table.insertRow();
    cells.forEach((cell, i) => { (i ? row.insertCell() : row.appendChild(document.createElement("th"))).textContent = cell; });
  };
  add(["", ...tasks.map((task) => task.name)]);
  mix(embeddings, state.weights).forEach((z, i) =>
    add([tasks[i].name, ...embeddings.map((own) => cosine(z, own).toFixed(3))]));
}

function changed() {
  try {
    showCosines();
  } catch (error) {
    say(error.message, true);
    return;
  }
  update();
}

function buildMixer() {
  const { presets, tasks } = state.model;
  const set = (name) => {
    state.weights = presets[name].map((row) => [...row]);
    byId("sliders").querySelectorAll("input").forEach((slider, i) => {
      slider.value = state.weights.flat()[i];
      slider.nextSibling.textContent = slider.value;
    });
  };
  byId("preset").replaceChildren(...Object.keys(presets).map((name) => new Option(name)));
  byId("preset").oninput = (event) => { set(event.target.value); changed(); };
  byId("sliders").replaceChildren(...tasks.map((output, row) => {
    const group = document.createElement("fieldset");
    group.innerHTML = "<legend></legend>";
    group.firstChild.textContent = `for ${output.name}`;
    tasks.forEach((task, column) => {
      const label = document.createElement("label");
      label.innerHTML = "<span></span><input type=range min=0 max=10 step=0.1><span></span>";
      label.firstChild.textContent = `z of ${task.name}`;
      const slider = label.querySelector("input");
      slider.id = `mix-${row}-${column}`;
      slider.oninput = () => {
        state.weights[row][column] = Number(slider.value);
        slider.nextSibling.textContent = slider.value;
        changed();
      };
      group.append(label);
    });
    return group;
  }));
  set(Object.keys(presets)[0]);
  byId("mixer").hidden = false;
  showCosines();
}

const drop = byId("drop");
byId("photo").onchange = (event) => take(event.target.files[0]);
for (const [name, over] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", over);
    if (name === "drop") take(event.dataTransfer.files[0]);
  });
}

try {
  state.model = await load();
  if (state.model.embeddings) buildMixer();
  if (state.pixels) update();
  else say("Ready.");
} catch (error) {
  say(`The model cannot be loaded: ${error.message}`, true);
}
