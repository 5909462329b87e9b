// Values under the pointer: of all maps at once, at the place that the pointer is over in any of them.
// `element` is the component's; every prediction changes the attributes inside it.
const unpacked = new WeakMap();

async function read(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function unpack(map) {
  const address = map.dataset.values;
  if (unpacked.get(map)?.address !== address) unpacked.set(map, { address, pixels: read(address) });
  return unpacked.get(map).pixels;
}

async function show(map, x, y) {
  const pixels = await unpack(map);
  const meta = JSON.parse(map.dataset.meta);
  const height = pixels.height / meta.channels;
  const column = Math.min(pixels.width - 1, Math.floor(x * pixels.width));
  const row = Math.min(height - 1, Math.floor(y * height));
  const values = [];
  for (let channel = 0; channel < meta.channels; channel++) {
    const at = 4 * ((channel * height + row) * pixels.width + column);
    values.push(meta.low + meta.step * (256 * pixels.data[at] + pixels.data[at + 1]));
  }
  const words = meta.names.length ? meta.names[Math.round(values[0])]
    : values.map((value) => value.toFixed(2)).join("  ") + (meta.unit ? " " + meta.unit : "");
  map.querySelector("output").textContent = words;
}

element.addEventListener("pointermove", (event) => {
  const frame = event.target.closest(".mtl-map .mtl-frame");
  if (!frame) return;
  const box = frame.getBoundingClientRect();
  const x = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  const y = Math.min(1, Math.max(0, (event.clientY - box.top) / box.height));
  for (const mark of element.querySelectorAll(".mtl-map i")) {
    mark.style.left = 100 * x + "%";
    mark.style.top = 100 * y + "%";
    mark.style.display = "block";
  }
  for (const map of element.querySelectorAll("[data-values]")) show(map, x, y);
});
element.addEventListener("pointerleave", () => {
  for (const mark of element.querySelectorAll(".mtl-map i")) mark.style.display = "none";
});
