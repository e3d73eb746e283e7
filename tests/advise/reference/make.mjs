// Makes ../keras/*.h5 and *.json: models built and evaluated by TensorFlow.js, written with h5wasm
// in the layouts of Keras 2 (variable and fixed-length texts) and Keras 3. Run once by hand
// (npm install && node make.mjs); the unit tests read what it left.
import "@tensorflow/tfjs-backend-cpu";
import * as core from "@tensorflow/tfjs-core";
import * as layers from "@tensorflow/tfjs-layers";
import h5wasm from "h5wasm/node";
import { writeFileSync } from "node:fs";

await h5wasm.ready;
const tf = { ...core, ...layers };
const out = new URL("../keras/", import.meta.url).pathname;

let state = 12345;
const random = () => ((state = (state * 1103515245 + 12345) % 2147483648), state / 2147483648);
const values = (n, lo, hi) => Array.from({ length: n }, () => lo + (hi - lo) * random());

const dense = (units, activation, extra) => ["Dense", { units, activation, use_bias: true, ...extra }];
const models = {
  activations: [
    dense(12, "elu"), dense(12, "selu"), dense(12, "softplus"), dense(12, "swish"),
    dense(12, "gelu"), dense(12, "softsign"), dense(12, "tanh"), dense(12, "sigmoid"),
    dense(12, "linear", { use_bias: false }), dense(4, "softmax"),
  ],
  layers: [
    ["BatchNormalization", { axis: -1, epsilon: 0.001, center: true, scale: true }],
    dense(16, "linear"), ["LeakyReLU", { alpha: 0.2 }], ["Dropout", { rate: 0.5 }],
    dense(16, "linear"), ["ReLU", { max_value: 1.5 }],
    ["BatchNormalization", { axis: -1, epsilon: 0.01, center: false, scale: false }],
    dense(16, "linear"), ["ELU", { alpha: 1 }], dense(16, "linear"),
    ["ThresholdedReLU", { theta: 0.3 }], dense(4, "linear"), ["Activation", { activation: "relu" }],
    ["Softmax", { axis: -1 }],
  ],
  normalization: [
    ["Normalization", { axis: [-1], mean: null, variance: null }], dense(8, "relu"), dense(4, "softmax"),
  ],
  // The network that the project began with: eleven unscaled inputs.
  seeds: [
    dense(64, "relu"), ["Dropout", { rate: 0.3 }], dense(32, "relu"), dense(4, "softmax"),
  ],
};
// One by one behind a dense layer: what each activation does to a small and to a large value.
for (const name of ["linear", "relu", "softmax", "sigmoid", "tanh", "elu", "selu", "softplus", "swish", "gelu"])
  models[`one-${name}`] = [dense(4, name)];
// Layers that are not a row of numbers in, a row out; nothing but the configuration matters.
const refused = { LSTM: { units: 4 }, Conv1D: { filters: 2, kernel_size: [3] }, GaussianNoise: { stddev: 0.1 },
  MyLayer: {} };
const make = {
  Dense: (c) => tf.layers.dense({ units: c.units, activation: c.activation, useBias: c.use_bias }),
  Activation: (c) => tf.layers.activation({ activation: c.activation }),
  Dropout: (c) => tf.layers.dropout({ rate: c.rate }),
  BatchNormalization: (c) => tf.layers.batchNormalization(c),
  LeakyReLU: (c) => tf.layers.leakyReLU({ alpha: c.alpha }),
  ELU: (c) => tf.layers.elu({ alpha: c.alpha }),
  ReLU: (c) => tf.layers.reLU({ maxValue: c.max_value }),
  ThresholdedReLU: (c) => tf.layers.thresholdedReLU({ theta: c.theta }),
  Softmax: (c) => tf.layers.softmax({ axis: c.axis }),
};
const INPUTS = 11;
// total_memory, used_memory, cpu_usage, total_disk, used_disk, total_swap, used_swap, fs.file-max,
// net.ipv4.tcp_fin_timeout, kernel.msgmax, vm.swappiness
const HOSTS = [
  [24105, 824, 12.5, 252, 175, 0, 0, 2466177, 60, 8192, 60],
  [1024, 1000, 99.9, 20, 19.9, 2048, 2040, 9223372036854775807, 15, 65536, 10],
  [1, 0, 0, 1, 0, 0, 0, 1024, 1, 1, 0],
  [3145728, 1572864, 50, 40000, 20000, 8192, 4096, 6815744, 30, 8192, 1],
];

// TensorFlow.js has no Normalization: its formula is applied to the rows before the model.
function build(spec) {
  const model = tf.sequential();
  const weights = [];
  let before = (row) => row, first = true;
  for (const [kind, config] of spec) {
    if (kind === "Normalization") {
      const mean = values(INPUTS, -1, 1), variance = values(INPUTS, 0.1, 2);
      before = (row) => row.map((x, i) => (x - mean[i]) / Math.sqrt(variance[i]));
      weights.push({ mean, variance });
      continue;
    }
    const layer = make[kind](config);
    if (first) layer.batchInputShape = [null, INPUTS];
    first = false;
    model.add(layer);
    const w = {};
    const fresh = layer.weights.map((v) => {
      const name = v.originalName.split("/").pop();
      const n = v.shape.reduce((a, b) => a * b, 1);
      w[name] = name === "moving_variance" ? values(n, 0.2, 2) : values(n, -0.8, 0.8);
      w[name].shape = v.shape;
      return tf.tensor(w[name], v.shape);
    });
    layer.setWeights(fresh);
    weights.push(w);
  }
  return { model, weights, before };
}

function config(spec, names, keras) {
  const dtype = keras === 3
    ? { module: "keras", class_name: "DTypePolicy", config: { name: "float32" }, registered_name: null }
    : "float32";
  const layers = spec.map(([kind, c], i) => {
    const own = { name: names[i], trainable: true, dtype, ...c };
    if (keras === 3 && kind === "LeakyReLU") { own.negative_slope = own.alpha; delete own.alpha; }
    if (keras === 2 && i === 0) own.batch_input_shape = [null, INPUTS];
    return keras === 3
      ? { module: "keras.layers", class_name: kind, config: own, registered_name: null, build_config: {} }
      : { class_name: kind, config: own };
  });
  if (keras === 3)
    layers.unshift({ module: "keras.layers", class_name: "InputLayer", registered_name: null,
      config: { batch_shape: [null, INPUTS], dtype: "float32", sparse: false, name: "input_layer" } });
  return JSON.stringify({ class_name: "Sequential", config: { name: "sequential", layers } });
}

function write(path, spec, weights, keras, fixed) {
  const names = spec.map(([kind], i) => `${kind.toLowerCase()}_${i}`);
  const file = new h5wasm.File(path, "w");
  const text = (o, name, s) => o.create_attribute(name, s, null, fixed ? `S${s.length}` : "S");
  const texts = (o, name, list) =>
    list.length
      ? o.create_attribute(name, list, [list.length], fixed ? `S${Math.max(...list.map((s) => s.length))}` : "S")
      : o.create_attribute(name, new Float64Array(0), [0], "<d");
  text(file, "keras_version", keras === 3 ? "3.6.0" : "2.15.0");
  text(file, "backend", "tensorflow");
  text(file, "model_config", config(spec, names, keras));
  const all = file.create_group("model_weights");
  texts(all, "layer_names", names);
  weights.forEach((w, i) => {
    const group = all.create_group(names[i]);
    const paths = Object.keys(w).map((k) => (keras === 3 ? `sequential/${names[i]}/${k}` : `${names[i]}/${k}:0`));
    texts(group, "weight_names", paths);
    Object.values(w).forEach((v, k) => {
      let at = group;
      const steps = paths[k].split("/");
      for (const step of steps.slice(0, -1)) at = at.get(step) ?? at.create_group(step);
      at.create_dataset({ name: steps.at(-1), data: new Float32Array(v), shape: v.shape ?? [v.length], dtype: "<f" });
    });
  });
  file.close();
}

for (const [name, spec] of Object.entries(models)) {
  const { model, weights, before } = build(spec);
  const x = name === "seeds" ? HOSTS : Array.from({ length: 8 }, () => values(INPUTS, -2, 2));
  if (name.startsWith("one-")) x.push(values(INPUTS, -12, 12), new Array(INPUTS).fill(0));
  const y = model.predict(tf.tensor2d(x.map(before))).arraySync();
  writeFileSync(`${out}${name}.json`, JSON.stringify({ x, y }) + "\n");
  write(`${out}${name}-keras2.h5`, spec, weights, 2, false);
  write(`${out}${name}-keras2-fixed.h5`, spec, weights, 2, true);
  write(`${out}${name}-keras3.h5`, spec, weights, 3, true);
  console.log(name, y[0].map((v) => v.toFixed(4)).join(" "));
}
for (const [kind, config] of Object.entries(refused))
  for (const keras of [2, 3])
    write(`${out}refused-${kind}-keras${keras}.h5`, [dense(8, "relu"), [kind, config], dense(4, "softmax")], [], keras,
      keras === 3);
