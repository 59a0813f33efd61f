// A network of one's own: the two files that `camlib live export` writes, NAME.json and NAME.safetensors.

const OWN = "camlib live 1";  // what the JSON calls itself

const ownFile = file => /\.(json|safetensors)$/i.test(file.name);

// A .safetensors file: how long its table is (8 bytes), the table as JSON, the numbers. Returns name → Float32Array.
function readSafetensors(buffer) {
  const long = buffer.byteLength < 8 ? Infinity : Number(new DataView(buffer).getBigUint64(0, true)), found = {};
  let table = null;
  if (long <= buffer.byteLength - 8) try { table = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, long))); } catch { /* said below */ }
  if (!table) throw new Error("it does not begin with a table of names, as such files do");
  delete table.__metadata__;
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(table)) {
    if (dtype !== "F32") throw new Error(`its ${name} is ${dtype}, and not F32`);
    found[name] = new Float32Array(buffer.slice(8 + long + from, 8 + long + to));
    if (found[name].length !== shape.reduce((all, one) => all * one, 1)) throw new Error(`its ${name} is cut short`);
  }
  return found;
}

// The network of two files' contents. Throws an Error that says, for people, what is wrong with them.
function ownNetwork(json, buffer, kernel) {
  let [spec, weights] = [null, null];
  try { spec = JSON.parse(json); } catch { throw new Error("the .json file is no JSON"); }
  if (spec?.format !== OWN) throw new Error("the .json file is not what `camlib live export` of this version writes");
  try { weights = readSafetensors(buffer); } catch (error) { throw new Error(`the .safetensors file cannot be read: ${error.message}`); }
  for (const step of spec.steps) {
    if (!["conv", "depthwise", "linear"].includes(step.op)) continue;
    for (const name of [`${step.name}.weight`, `${step.name}.bias`]) {
      if (!weights[name]) throw new Error(`the .safetensors file has no ${name}: it belongs to another network`);
    }
  }
  const net = new Network(spec, weights, kernel);
  for (const { op, name, input, output, k, weight, bias } of net.plan) {
    const wanted = { conv: output.c * input.c * k * k, depthwise: input.c * k * k, linear: output.c * input.c * input.h * input.w }[op];
    if (wanted === undefined) continue;
    const there = weight || weights[`${name}.weight`];
    if (there.length !== wanted || (bias || weights[`${name}.bias`]).length !== output.c) {
      throw new Error(`the .safetensors file has a ${name} of another size: it belongs to another network`);
    }
  }
  return net;
}

const kept = {};  // of the two files, those that have come
async function ownFiles(files, kernel) {  // a network once both are there; else null, and `waits` says for which
  for (const file of files) kept[file.name.split(".").pop().toLowerCase()] = file;
  if (!kept.json || !kept.safetensors) return null;
  const { json, safetensors } = kept;
  for (const kind of Object.keys(kept)) delete kept[kind];
  return ownNetwork(await json.text(), await safetensors.arrayBuffer(), kernel);
}
const waits = () => (kept.json ? `${kept.json.name} is here; its .safetensors file is wanted, too.` : `${kept.safetensors.name} is here; its .json file is wanted, too.`);

if (typeof module !== "undefined") module.exports = { readSafetensors };
