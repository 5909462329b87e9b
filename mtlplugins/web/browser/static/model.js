// The model: pixels of a photo in, a map or numbers of each task out.
import * as ort from "./ort.wasm.min.mjs";

ort.env.wasm.numThreads = 1; // more need headers of the web server that few of them send
ort.env.wasm.wasmPaths = new URL("./", import.meta.url).href;

const LONGEST_SIDE = 4096; // of a photo; browsers refuse canvases of more pixels

export async function load() {
  const answer = await fetch("model.json");
  if (!answer.ok) throw new Error("model.json is missing: serve the folder as it was written");
  const described = await answer.json();
  const session = await ort.InferenceSession.create("model.onnx", { executionProviders: ["wasm"] });
  return { ...described, session };
}

// Weighted means of the embeddings: z = sum w_i z_i / sum w_i, a row of weights for each task.
export function mix(embeddings, weights) {
  return weights.map((row) => {
    const total = row.reduce((sum, weight) => sum + weight, 0);
    if (!(total > 0)) throw new Error("a mixture needs a weight above 0");
    return embeddings[0].map((_, i) =>
      row.reduce((sum, weight, task) => sum + (weight / total) * embeddings[task][i], 0));
  });
}

export function cosine(a, b) {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

// Pixels of a file, upright, as they are stored: no colour management.
export async function readPixels(file) {
  let image;
  try {
    image = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new Error("this file cannot be read as an image");
  }
  const shrink = Math.min(1, LONGEST_SIDE / Math.max(image.width, image.height));
  const width = Math.max(1, Math.round(image.width * shrink));
  const height = Math.max(1, Math.round(image.height * shrink));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

// Bilinear, by pixel centres, without smoothing: as the images of training were resized.
export function resize(pixels, height, width) {
  const places = (count, old) => Array.from({ length: count }, (_, i) => {
    const at = Math.min(old - 1, Math.max(0, ((i + 0.5) * old) / count - 0.5));
    return [Math.floor(at), Math.min(old - 1, Math.floor(at) + 1), at - Math.floor(at)];
  });
  const rows = places(height, pixels.height), columns = places(width, pixels.width);
  const planes = new Float32Array(3 * height * width);
  const { data } = pixels;
  rows.forEach(([top, bottom, down], y) => columns.forEach(([left, right, across], x) => {
    for (let channel = 0; channel < 3; channel++) {
      const value = (row, column) => data[4 * (row * pixels.width + column) + channel];
      const above = value(top, left) * (1 - across) + value(top, right) * across;
      const below = value(bottom, left) * (1 - across) + value(bottom, right) * across;
      planes[(channel * height + y) * width + x] = Math.round(above * (1 - down) + below * down);
    }
  }));
  return planes;
}

// { task: { dims, data } } of a photo; data of classes are whole numbers.
export async function predict(model, pixels, weights) {
  const [height, width] = model.size;
  const feeds = { images: new ort.Tensor("float32", resize(pixels, height, width), [1, 3, height, width]) };
  if (model.embeddings) {
    const mixed = mix(model.embeddings, weights);
    feeds.embeddings = new ort.Tensor("float32", Float32Array.from(mixed.flat()), [mixed.length, mixed[0].length]);
  }
  const found = await model.session.run(feeds);
  return Object.fromEntries(model.tasks.map(({ name }) => {
    const { dims, data } = found[name];
    return [name, { dims: [...dims], data: data instanceof BigInt64Array ? Array.from(data, Number) : Array.from(data) }];
  }));
}
