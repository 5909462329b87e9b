// Cards of predictions: the colours of maps, their keys, and the values under the pointer.

export function drawCards(parent, model, pixels, found) {
  const [height, width] = model.size;
  const maps = [];
  const cards = [card("image", [frame(photo(pixels, height, width))])];
  for (const task of model.tasks) {
    const { dims, data } = found[task.name];
    if (dims.length < 4) {
      cards.push(card(task.name, [bars(task, data)]));
      continue;
    }
    const kind = look(task, dims[1], data, model.ramp);
    const canvas = paint(width, height, (i) => kind.colour(i));
    const output = document.createElement("output");
    maps.push((i) => { output.textContent = kind.words(i); });
    const title = task.unit ? `${task.name} (${task.unit})` : task.name;
    cards.push(card(title, [frame(canvas, output), ...kind.key]));
  }
  parent.replaceChildren(...cards);
  parent.onpointermove = (event) => {
    const box = event.target.closest(".frame")?.firstChild.getBoundingClientRect();
    if (!box) return;
    const inside = (value, count) => Math.min(count - 1, Math.max(0, Math.floor(value * count)));
    const x = inside((event.clientX - box.left) / box.width, width);
    const y = inside((event.clientY - box.top) / box.height, height);
    for (const mark of parent.querySelectorAll(".frame i")) {
      mark.style.left = `${(100 * (x + 0.5)) / width}%`;
      mark.style.top = `${(100 * (y + 0.5)) / height}%`;
      mark.style.display = "block";
    }
    for (const show of maps) show(y * width + x);
  };
}

// How a map is shown: by the names of its classes, as directions, or as numbers on a scale.
function look(task, channels, data, ramp) {
  const size = data.length / channels;
  if (task.classes) {
    const present = [...new Set(data)].sort((a, b) => a - b);
    return {
      colour: (i) => task.palette[data[i]],
      words: (i) => task.classes[data[i]],
      key: [legend(present.map((label) => [task.classes[label], task.palette[label]]))],
    };
  }
  const values = (i) => Array.from({ length: channels }, (_, channel) => data[channel * size + i]);
  const words = (i) => values(i).map((value) => value.toFixed(2)).join("  ") + (task.unit ? ` ${task.unit}` : "");
  if (channels === 3) return { colour: (i) => values(i).map((n) => Math.round(127.5 * (n + 1))), words, key: [] };
  let low = Infinity, high = -Infinity;
  for (const value of data) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const colour = (i) => ramp[Math.round((255 * (data[i] - low)) / Math.max(high - low, 1e-6))];
  return { colour, words, key: [scale(low, high, task.unit ?? "", ramp)] };
}

function paint(width, height, colour) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pixels = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) pixels.data.set([...(colour(i) ?? [0, 0, 0]), 255], 4 * i);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

function photo(pixels, height, width) {
  const whole = document.createElement("canvas");
  whole.width = pixels.width;
  whole.height = pixels.height;
  whole.getContext("2d").putImageData(pixels, 0, 0);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(width, Math.min(pixels.width, 680)); // finer than the maps, stretched as they are
  canvas.height = Math.round((canvas.width * height) / width);
  canvas.getContext("2d").drawImage(whole, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

function card(title, parts) {
  return element("figure", "card", element("h2", "", title), element("div", "maps", ...parts));
}

function frame(canvas, output) {
  const framed = element("div", "frame", canvas, element("i"));
  return output ? element("div", "", framed, output) : framed;
}

function legend(entries) {
  return element("ul", "key", ...entries.map(([name, colour]) =>
    element("li", "", paint(1, 1, () => colour), name)));
}

function scale(low, high, unit, ramp) {
  const ticks = [1, 0.75, 0.5, 0.25, 0].map((share) =>
    element("li", "", `${(low + share * (high - low)).toFixed(2)} ${unit}`));
  return element("div", "scale", paint(1, 256, (i) => ramp[255 - i]), element("ol", "", ...ticks));
}

function bars(task, data) {
  if (!task.classes) {
    const lines = data.map((value, i) => `${task.names?.[i] ?? i}: ${value.toPrecision(4)} ${task.unit ?? ""}`);
    return element("div", "", ...lines.map((line) => element("div", "", line)));
  }
  const best = data.map((score, i) => [score, i]).sort((a, b) => b[0] - a[0]).slice(0, 5);
  return element("div", "bars", ...best.flatMap(([score, i]) => {
    const meter = element("meter");
    meter.value = score;
    return [task.classes[i], `${(100 * score).toFixed(1)} %`, meter];
  }).map((part) => (typeof part === "string" ? element("span", "", part) : part)));
}
