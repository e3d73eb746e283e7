// Reads a model file that `galen train` wrote as others would: h5wasm finds the layers and weights,
// TensorFlow.js builds the model from model_config and predicts. Prints one line of probabilities
// for each row of numbers on standard input.
//
//   node read.mjs MODEL.h5 < ROWS.csv
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { models } from "@tensorflow/tfjs-layers";
import h5wasm from "h5wasm/node";
import { readFileSync } from "node:fs";

await h5wasm.ready;
const file = new h5wasm.File(process.argv[2], "r");
const topology = JSON.parse(file.attrs.model_config.value);
const all = file.get("model_weights");

const weights = new Map();
for (const layer of all.attrs.layer_names.value) {
  const group = all.get(layer);
  for (const path of group.attrs.weight_names.value) {
    const data = group.get(path);
    weights.set(path.replace(/:0$/, ""), tf.tensor(data.value, data.shape));
  }
}
const model = await models.modelFromJSON(topology);
model.setWeights(model.weights.map((w) => {
  if (!weights.has(w.originalName)) throw new Error(`the file has no weights for ${w.originalName}`);
  return weights.get(w.originalName);
}));

const rows = readFileSync(0, "utf8").trim().split("\n").map((line) => line.split(",").map(Number));
for (const y of model.predict(tf.tensor2d(rows)).arraySync()) console.log(y.join(","));
