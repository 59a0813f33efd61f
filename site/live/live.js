// The page: what is looked at (a scene, a picture of one's own, the camera), the grey square on it, the silenced units,
// and what is drawn of the network's answer. Everything that changes asks for one new drawing; `draw` does all of it.

const $ = id => document.getElementById(id);
const make = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
};
const GREY = 0.5, BEST = 6;  // the square; how many patches of a unit are shown
const ALL = 12, FIRST = 9;  // classes: so many are all listed; of more, the first
const percent = one => `${Math.round(100 * one)} %`;
const short = one => (Math.abs(one) >= 100 ? one.toFixed(0) : Math.abs(one) >= 10 ? one.toFixed(1) : one.toFixed(2)).replace("-", "−");

const nets = {};
const state = {
  net: null, scene: 0, name: "", pixels: null, square: null, side: 32, tab: "cover", target: null, layer: null, unit: null,
  silenced: {}, taps: "show", truth: false, video: null,
};
let [sheet, masks, glow, kernel] = [null, null, null, null];
let [was, now, logits, listed] = [null, null, null, []];  // probabilities of the whole picture, and as it is asked; classes
let [wanted, milliseconds] = [false, []];

// ---- networks arrive as scripts

let begin, begun = new Promise(done => { begin = done; });
async function arrived(spec) {
  await begun;
  const all = floats(await unpacked(spec.weights), spec.bytes), weights = {};
  let at = 0;
  for (const [name, count, step = 1] of spec.layout) {  // whole numbers are multiples of a step
    const these = weights[name] = all.subarray(at, at += count);
    if (step !== 1) for (let n = 0; n < count; n++) these[n] *= step;
  }
  add(new Network(spec, weights, kernel), spec.name);
  if (!state.net) {
    await choose(spec.name);
    document.documentElement.dataset.ready = "";
    for (const name of SCENES.networks) if (!nets[name]) document.body.append(make("script", { src: `${name}.js` }));
    for (const [name, size] of Object.entries(SCENES.aside)) option(name, `${name}, 1000 things (${size} MB)`);
  } else if (coming === spec.name) {
    coming = "";
    hush();
    await choose(spec.name);
  }
}

const option = (value, words) => $("network").querySelector(`option[value="${CSS.escape(value)}"]`) || $("network").appendChild(make("option", { value }, words));
function add(net, name, words = name) {
  nets[name] = net;
  option(name, words).textContent = words;
}

let coming = "";
function fetchNet(name) {  // a large one, when it is asked for
  if (coming) return;
  coming = name;
  $("network").value = state.chosen;
  tell(`${name} is coming, ${SCENES.aside[name]} MB …`, 0);
  document.body.append(make("script", { src: `${name}.js`, onerror: () => { coming = ""; fail(`${name} did not come; is this device offline?`); } }));
}

async function takeOwn(files) {
  try {
    const net = await ownFiles(files, kernel);
    if (!net) return tell(waits(), 0);
    const name = `own ${net.name}`;
    add(net, name, `${net.name} (yours)`);
    hush();
    await choose(name);
  } catch (error) {
    fail(`This network cannot be taken: ${error.message}.`);
  }
}

async function start() {
  kernel = Uint8Array.from(atob(KERNEL), one => one.charCodeAt(0));
  if (!runs(kernel)) kernel = null;
  glow = Uint8Array.from(atob(SCENES.glow), one => one.charCodeAt(0));
  masks = await unpacked(SCENES.masks);
  sheet = await createImageBitmap(new Blob([await unpacked(SCENES.sheet)], { type: "image/webp" }));
  layOutScenes();
  paintRamp();
  begin();
}

async function choose(name) {
  if (!nets[name]) return fetchNet(name);
  const other = !state.net || state.net.size !== nets[name].size;
  Object.assign(state, { net: nets[name], chosen: name, silenced: {}, target: null, unit: null });
  $("network").value = name;
  if (other) fitSquare();
  state.layer = state.tab === "filters" ? state.net.plan[0].name : layersOf(state.net, "conv").at(-1);
  was = null;
  if (state.again) state.again();
  else showScene(0);
  layOutBars();
  layOutMaps();
  layOutLayers();
  layOutFilters();
  ask();
}

// ---- what is looked at

const small = make("canvas", { width: 128, height: 128 });
const brush = small.getContext("2d", { willReadFrequently: true });

function look(source, x, y, wide, high) {  // the middle square of a source, as the network sees it
  const side = Math.min(wide, high), { size, spec } = state.net, area = size * size, grey = spec.mean.length === 1;
  if (small.width !== size) small.width = small.height = size;
  brush.imageSmoothingQuality = "high";
  brush.drawImage(source, x + (wide - side) / 2, y + (high - side) / 2, side, side, 0, 0, size, size);
  const { data } = brush.getImageData(0, 0, size, size), out = new Float32Array(spec.mean.length * area);
  if (grey) for (let n = 0; n < area; n++) out[n] = (0.299 * data[4 * n] + 0.587 * data[4 * n + 1] + 0.114 * data[4 * n + 2]) / 255;
  else for (let n = 0; n < area; n++) for (let c = 0; c < 3; c++) out[c * area + n] = data[4 * n + c] / 255;
  state.pixels = out;
  was = null;
}

const corner = n => [(n % SCENES.across) * SCENES.size, Math.floor(n / SCENES.across) * SCENES.size];

function showScene(n) {
  stopCamera();
  Object.assign(state, { scene: n, name: SCENES.labels[n].map(label => SCENES.classes[label]).join(" and ") });
  see(() => look(sheet, ...corner(n), SCENES.size, SCENES.size), n);
}

function see(again, scene = -1) {  // again: looks at it, with whatever network there is then
  state.again = again;
  again();
  pressed($("strip"), scene);
  ask();
}

// A picture of one's own, or the two files of a network of one's own
function take(files) {
  const own = [...files].filter(ownFile);
  return own.length ? takeOwn(own) : showFile([...files][0]);
}

// The course's networks know nothing of the world; one that does can be had
function advise() {
  const [name] = Object.keys(SCENES.aside);
  if (!name || state.net.spec.photographs || $("network").value.startsWith("own ")) return;
  const button = make("button", { type: "button" }, nets[name] ? `ask ${name}` : `load ${name}, ${SCENES.aside[name]} MB`);
  button.onclick = () => { hush(); choose(name); };
  tell(`${state.net.name} knows nine drawn critters. For photographs: `, 12000, button);
}

async function showFile(file) {
  if (!file) return;
  try {
    const picture = await createImageBitmap(file);
    stopCamera();
    Object.assign(state, { scene: null, name: "your picture" });
    see(() => look(picture, 0, 0, picture.width, picture.height));
    advise();
  } catch {
    fail(`${file.name || "This"} is no picture that the browser can read.`);
  }
}

async function toggleCamera() {
  if (state.video) return showScene(state.scene ?? 0);
  if (!navigator.mediaDevices) return fail("Browsers give a camera only to pages that come over https, or from a disk.");
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    const video = Object.assign(make("video"), { srcObject: stream, muted: true, playsInline: true });
    await video.play();
    Object.assign(state, { video, scene: null, name: "the camera" });
    see(() => look(video, 0, 0, video.videoWidth, video.videoHeight));
    $("camera").setAttribute("aria-pressed", true);
    advise();
  } catch (error) {
    fail(`No camera: ${error.message}.`);
  }
}

function stopCamera() {
  if (!state.video) return;
  for (const track of state.video.srcObject.getTracks()) track.stop();
  state.video = null;
  $("camera").setAttribute("aria-pressed", false);
}

let fading;
function tell(words, milliseconds, ...more) {  // a line at the page's foot; of 0 milliseconds it stays until `hush`
  $("told").replaceChildren(words, ...more);
  $("told").hidden = false;
  $("told").classList.remove("failed");
  clearTimeout(fading);
  if (milliseconds) fading = setTimeout(hush, milliseconds);
}
const hush = () => { $("told").hidden = true; };
function fail(words) {
  tell(words, 8000);
  $("told").classList.add("failed");
}

// ---- the one loop

function ask() {
  if (wanted) return;
  wanted = true;
  requestAnimationFrame(() => { wanted = false; draw(); });
}

function covered() {
  const { square, pixels, net } = state;
  if (!square) return pixels;
  const out = pixels.slice(), { size } = net, { x, y, side } = square;
  for (let c = 0; c < net.spec.mean.length; c++) for (let row = Math.max(y, 0); row < Math.min(y + side, size); row++) {
    out.fill(GREY, c * size * size + row * size + Math.max(x, 0), c * size * size + row * size + Math.min(x + side, size));
  }
  return out;
}

const silent = () => Object.values(state.silenced).some(units => units.size);

function compute() {
  const { net } = state, from = performance.now(), changed = state.square || silent();
  if (!was) was = softmax(logits = net.run(state.pixels));
  else if (!changed) logits = net.run(state.pixels);
  if (changed) logits = net.run(covered(), state.silenced);
  now = softmax(logits);
  milliseconds = [...milliseconds.slice(-29), performance.now() - from];
  listed = listing(net.classes.length);
  if (!listed.includes(state.target)) state.target = null;
}

// The classes that have a bar: all, or of many the first for the whole picture, and the one that leads now
function listing(count) {
  if (count <= ALL) return Array.from({ length: count }, (_, n) => n);
  const first = Array.from(was, (_, n) => n).sort((a, b) => was[b] - was[a]).slice(0, FIRST), best = leader();
  return first.includes(best) ? first : [...first.slice(0, -1), best];
}

const leader = () => now.indexOf(Math.max(...now));

function draw() {
  if (!state.net || !state.pixels) return;
  if (state.video) {
    state.again();
    ask();
  }
  compute();
  const best = leader();
  if (state.unit === null) { state.unit = strongestUnit(); drawPatches(); markFilter(); }
  drawBars(best);
  const shown = heat();
  drawPicture(shown);
  $("scale").hidden = !shown;
  if (shown) [$("low").textContent, $("high").textContent] = [short(shown.low), short(shown.high)];
  const { classes, spec } = state.net, things = spec.photographs ? "things" : $("network").value.startsWith("own ") ? "classes" : "critters";
  const truth = state.scene === null ? `it knows ${classes.length} ${things} and nothing else` : `drawn: ${state.name}`;
  $("says").replaceChildren(`${classes[best]} ${percent(now[best])} `, make("small", {}, truth));
  $("clear").disabled = !state.square;
  if (state.tab === "map") drawMaps(shown);
  if (state.tab === "units") drawUnits();
  const typical = [...milliseconds].sort((a, b) => a - b)[milliseconds.length >> 1];
  $("speed").textContent = `${typical.toFixed(1)} ms for an answer on this device${kernel ? "" : ", without SIMD"}.`;
}

// The map that lies on the picture now: {laid, low, high}, or nothing
function heat() {
  const { net, tab } = state;
  if (tab === "cover") return null;
  if (tab === "map") {
    const all = classMaps(), target = state.target ?? leader();
    const high = Math.max(...all.map(one => Math.max(...one)));  // of all classes: their maps are on one scale
    const field = net.spec.fields[net.plan[net.last].name];
    return { laid: lay(all[listed.indexOf(target)], field, net.size), all, low: 0, high: Math.max(high, 1e-9), target };
  }
  const layer = tab === "filters" ? net.plan[0].name : state.layer, map = net.maps[layer];
  if (map.h * map.w === 1) return null;
  const values = net.values(map), cells = map.h * map.w, one = values.subarray(state.unit * cells, (state.unit + 1) * cells);
  return { laid: lay(one, net.spec.fields[layer], net.size), low: 0, high: Math.max(tab === "filters" ? Math.max(...one) : highest(values), 1e-9) };
}

const highest = values => { let most = 0; for (const one of values) if (one > most) most = one; return most; };

function classMaps() {
  const { net } = state;
  return listed.map(target => (net.pooled ? net.cam(target) : net.gradcam(target)));
}

// As camlib.show.overlays: the picture dark and grey, so that only heat is bright
function blended(pixels, shown, size) {
  const image = new ImageData(size, size), { data } = image, area = size * size, dim = 255 * SCENES.dim;
  const slope = shown ? 255 / (shown.high - shown.low) : 0, [second, third] = pixels.length > area ? [area, 2 * area] : [0, 0];
  for (let n = 0, at = 0; n < area; n++, at += 4) {
    const r = pixels[n], g = pixels[second + n], b = pixels[third + n];
    data[at + 3] = 255;
    if (shown) {
      const share = Math.min(Math.max(Math.round((shown.laid[n] - shown.low) * slope), 0), 255), from = 3 * share;
      const grey = dim * (0.299 * r + 0.587 * g + 0.114 * b) * (1 - share / 255);
      data[at] = grey + glow[from];
      data[at + 1] = grey + glow[from + 1];
      data[at + 2] = grey + glow[from + 2];
    } else {
      data[at] = 255 * r;
      data[at + 1] = 255 * g;
      data[at + 2] = 255 * b;
    }
  }
  return image;
}

const buffer = make("canvas"), wash = buffer.getContext("2d");
function paint(canvas, pixels, shown, size) {
  [buffer.width, buffer.height] = [size, size];
  wash.putImageData(blended(pixels, shown, size), 0, 0);
  const context = canvas.getContext("2d");
  Object.assign(context, { imageSmoothingEnabled: true, imageSmoothingQuality: "high" });
  context.drawImage(buffer, 0, 0, canvas.width, canvas.height);
  return context;
}

function drawPicture(shown) {
  const canvas = $("picture"), { size } = state.net, { square } = state;
  const wide = Math.round(canvas.clientWidth * (window.devicePixelRatio || 1));
  if (canvas.width !== wide) [canvas.width, canvas.height] = [wide, wide];
  const scale = wide / size, context = paint(canvas, covered(), shown, size);
  if (state.truth && state.tab === "map" && state.scene !== null) {
    for (const mask of masksOf(state.scene)) outline(context, mask, wide / SCENES.size);
  }
  if (square) {
    for (const [colour, thick] of [["rgb(0 0 0 / 75%)", 5], ["white", 2]]) {
      Object.assign(context, { strokeStyle: colour, lineWidth: thick * scale * size / 400 });
      context.strokeRect(square.x * scale, square.y * scale, square.side * scale, square.side * scale);
    }
  }
  canvas.setAttribute("aria-label", `${state.name}${square ? `, with a grey square at ${square.x}, ${square.y}` : ""}. Arrow keys move a grey square.`);
}

// ---- the true outlines: bits, the first critters of all scenes, then the second ones of the pairs

function masksOf(scene) {
  const area = SCENES.size ** 2, bytes = area / 8, pairs = SCENES.labels.findIndex(one => one.length > 1);
  const which = SCENES.labels[scene].length > 1 ? [scene, SCENES.labels.length + scene - pairs] : [scene];
  return which.map(n => n * bytes).map(from => (x, y) => {
    const at = y * SCENES.size + x;
    return x >= 0 && y >= 0 && x < SCENES.size && y < SCENES.size && (masks[from + (at >> 3)] >> (at & 7)) & 1;
  });
}

function outline(context, mask, scale) {
  const { size } = SCENES, path = new Path2D();
  const line = (a, b, c, d) => { path.moveTo(a * scale, b * scale); path.lineTo(c * scale, d * scale); };
  for (let y = 0; y <= size; y++) for (let x = 0; x <= size; x++) {
    const here = !mask(x, y);
    if (here !== !mask(x - 1, y)) line(x, y, x, y + 1);
    if (here !== !mask(x, y - 1)) line(x, y, x + 1, y);
  }
  for (const [colour, thick] of [["rgb(0 0 0 / 70%)", 4], ["#7fe0ff", 1.8]]) {
    Object.assign(context, { strokeStyle: colour, lineWidth: thick * scale * size / 400, lineCap: "round" });
    context.stroke(path);
  }
}

// ---- answers

function layOutBars() {
  const { length } = state.net.classes;
  $("bars").classList.toggle("long", state.net.classes.some(name => name.length > 9));
  $("bars").replaceChildren(...Array.from({ length: length > ALL ? FIRST : length }, (_, n) => {
    const row = make("button", { type: "button" }, make("span", { className: "name" }),
      make("span", { className: "track" }, make("i", { className: "was" }), make("i", { className: "now" })), make("span", { className: "value" }));
    row.onclick = () => { state.target = state.target === listed[n] ? null : listed[n]; if (state.tab !== "map") tab("map"); ask(); };
    return row;
  }));
}

function drawBars(best) {
  const target = state.tab === "map" ? state.target ?? best : -1;
  [...$("bars").children].forEach((row, k) => {
    const n = listed[k], name = state.net.classes[n], span = row.firstChild;
    if (span.textContent !== name) span.textContent = name;
    row.querySelector(".was").style.transform = `scaleX(${was[n]})`;
    row.querySelector(".now").style.transform = `scaleX(${now[n]})`;
    row.querySelector(".value").textContent = percent(now[n]);
    row.classList.toggle("best", n === best);
    row.setAttribute("aria-pressed", n === target);
    row.setAttribute("aria-label", `${name} ${percent(now[n])}: show its map`);
  });
}

const say = () => {
  const best = leader();
  $("spoken").textContent = `${state.net.classes[best]} ${percent(now[best])}`;
};

// ---- where it looks

function layOutMaps() {
  const { net } = state;
  $("maps").replaceChildren(...[...$("bars").children].map((_, n) => {
    const one = make("button", { type: "button" }, make("canvas", { width: 96, height: 96 }), make("span"));
    one.onclick = () => { state.target = listed[n]; ask(); };
    return one;
  }));
  const lesson = make("a", { href: `${HOME}lessons/07_cam.html` }, "Lesson 07: class activation maps");
  $("map-says").replaceChildren(...(net.pooled ? [
    "This is the class activation map of one class, in logits. A place glows by how much it speaks for that class; what speaks against it stays dark. Choose "
    + "another answer, and the map changes; all maps are on one scale. ", lesson] : [
    `${net.name} does not read its answers off a pooled map, so it has no class activation map. This is Grad-CAM, which takes each unit's weight from a gradient `
    + "and leaves out what speaks against the class. ", lesson]));
}

function drawMaps(shown) {
  const { net } = state, field = net.spec.fields[net.plan[net.last].name], pixels = covered(), { target } = shown;
  [...$("maps").children].forEach((one, k) => {
    const n = listed[k];
    paint(one.firstChild, pixels, { ...shown, laid: n === target ? shown.laid : lay(shown.all[k], field, net.size) }, net.size);
    one.lastChild.textContent = net.classes[n];
    one.setAttribute("aria-pressed", n === target);
    one.setAttribute("aria-label", `map of ${net.classes[n]}`);
  });
  if (net.pooled) {
    const bias = net.plan.at(-1).bias[target];
    const most = net.plan.at(-2).op === "most";
    $("sum").textContent = `${net.classes[target]}: the ${most ? "units' highest values, weighted," : "map's mean"} ${short(logits[target] - bias)} + the bias ${short(bias)} = the logit ${short(logits[target])}`;
  } else $("sum").textContent = "";
  $("pointing").replaceChildren(...pointing(shown));
}

function pointing({ laid, target }) {
  const { net, scene } = state, name = net.classes[target];
  if (scene === null) return ["On your own picture nobody knows the true place; on the scenes it is known to the pixel."];
  const critter = SCENES.labels[scene].findIndex(label => SCENES.classes[label] === name);
  if (critter < 0) return [`There is no ${name} in this scene, so there is no true place to compare with.`];
  const at = laid.indexOf(Math.max(...laid)), scale = SCENES.size / net.size;
  const on = masksOf(scene)[critter](Math.floor((at % net.size) * scale), Math.floor(Math.floor(at / net.size) * scale));
  return [`The map's highest point lies ${on ? "on" : "beside"} the ${name}. `,
    make("a", { href: `${HOME}lessons/08_localization.html` }, "Lesson 08: how often it does")];
}

// ---- units

const layersOf = (net, only) => net.spec.layers || net.plan.filter(p => p.op === "conv" || (!only && p.op === "linear" && p.relu)).map(p => p.name);

function layOutLayers() {
  $("layers").replaceChildren(...layersOf(state.net).map(name => {
    const one = make("button", { type: "button" }, name);
    one.onclick = () => { Object.assign(state, { layer: name, unit: null }); layOutTiles(); ask(); };
    return one;
  }));
  layOutTiles();
}

function layOutTiles() {
  const { net, layer } = state, { c, h, w } = net.maps[layer];
  pressed($("layers"), layersOf(net).indexOf(layer));
  $("tiles").classList.toggle("dense", c > 64);
  $("tiles").replaceChildren(...Array.from({ length: c }, (_, unit) => {
    const one = make("button", { type: "button", ariaLabel: `unit ${unit}` }, make("canvas", { width: w, height: h }));
    one.onclick = () => {
      if (state.taps === "silence") silence(layer, unit);
      state.unit = unit;
      drawPatches();
      ask();
    };
    return one;
  }));
  drawPatches();
}

function strongestUnit() {  // on this picture
  const { net, layer } = state, { c } = net.maps[layer], values = net.values(net.maps[layer]), most = highest(values);
  return Math.floor(Math.max(values.indexOf(most), 0) / (values.length / c));
}

function silence(layer, unit) {
  const units = (state.silenced[layer] ||= new Set());
  if (!units.delete(unit)) units.add(unit);
}

let [tops, naming] = [[], 0];  // each unit's highest number; screen readers are told once it rests
function nameTiles() {
  const quiet = state.silenced[state.layer] || new Set();
  [...$("tiles").children].forEach((tile, unit) => {
    tile.setAttribute("aria-label", `unit ${unit}, at most ${short(tops[unit] || 0)}${quiet.has(unit) ? ", silenced" : ""}`);
  });
}

function drawUnits() {
  const { net, layer } = state, { c, h, w } = net.maps[layer], values = net.values(net.maps[layer]), most = highest(values) || 1;
  const quiet = state.silenced[layer] || new Set(), image = new ImageData(w, h);
  [...$("tiles").children].forEach((tile, unit) => {
    let top = 0;
    for (let n = 0; n < h * w; n++) {
      const one = values[unit * h * w + n], from = 3 * Math.round(255 * Math.max(one / most, 0));
      if (one > top) top = one;
      for (let c = 0; c < 3; c++) image.data[4 * n + c] = glow[from + c];
      image.data[4 * n + 3] = 255;
    }
    tile.firstChild.getContext("2d").putImageData(image, 0, 0);
    tile.classList.toggle("silent", quiet.has(unit));
    tile.setAttribute("aria-current", unit === state.unit);
    tops[unit] = top;
    if (unit === state.unit) {
      const told = quiet.has(unit) ? "It is silenced." : top ? `Here it is at most ${short(top)}.` : "On this picture it is silent by itself.";
      if ($("unit-says").dataset.told !== told) Object.assign($("unit-says"), { textContent: told }).dataset.told = told;
    }
  });
  clearTimeout(naming);
  naming = setTimeout(nameTiles, 200);
  $("tiles-scale").textContent = `All units of ${layer} are on one scale, from 0 to ${short(most)}.`;
  $("unit-name").textContent = `${layer}, unit ${state.unit}`;
  const count = Object.values(state.silenced).reduce((sum, units) => sum + units.size, 0);
  Object.assign($("wake"), { disabled: !count, textContent: count ? `wake all (${count})` : "wake all" });
}

// Each unit's strongest cell in each of the page's scenes, for all layers, found once a network, with nothing silenced
const strongest = new Map();
function findStrongest(net) {
  if (strongest.has(net)) return strongest.get(net);
  const found = Object.fromEntries(layersOf(net).map(name => [name, Array.from({ length: net.maps[name].c }, () => [])]));
  const kept = [state.pixels, was];
  for (let scene = 0; scene < SCENES.labels.length; scene++) {
    look(sheet, ...corner(scene), SCENES.size, SCENES.size);
    net.run(state.pixels);
    for (const name of layersOf(net)) {
      const { c, h, w } = net.maps[name], values = net.values(net.maps[name]), cells = h * w;
      for (let unit = 0; unit < c; unit++) {
        let cell = 0;
        for (let n = 1; n < cells; n++) if (values[unit * cells + n] > values[unit * cells + cell]) cell = n;
        found[name][unit].push({ scene, value: values[unit * cells + cell], i: Math.floor(cell / w), j: cell % w });
      }
    }
  }
  for (const units of Object.values(found)) for (const unit of units) unit.sort((a, b) => b.value - a.value);
  [state.pixels, was] = kept;
  net.run(covered(), state.silenced);  // its maps are again those of the picture
  strongest.set(net, found);
  return found;
}

function drawPatches() {
  if (state.tab !== "units" || state.unit === null) return;
  if (state.net.spec.photographs) {
    return $("patches").replaceChildren(make("p", { className: "keys", style: "grid-column: 1 / -1; margin: 0" }, "What excites it most is found in photographs, "
      + "which this page does not carry. ", make("a", { href: `${HOME}lessons/03_patches.html` }, "Lesson 03: patches")));
  }
  const { net, layer, unit } = state, best = findStrongest(net)[layer][unit].slice(0, BEST).filter(one => one.value > 0);
  const field = net.spec.fields[layer];
  $("patches").replaceChildren(...best.map(({ scene, value, i, j }) => {
    const of = SCENES.size / net.size, [x, y] = corner(scene);
    const [[y0, y1], [x0, x1]] = (field ? [field.rows[i], field.columns[j]] : [[0, net.size], [0, net.size]]).map(ends => ends.map(end => end * of));
    const canvas = make("canvas", { width: 2 * (x1 - x0), height: 2 * (y1 - y0) }), name = SCENES.labels[scene].map(one => SCENES.classes[one]).join(" and ");
    Object.assign(canvas.getContext("2d"), { imageSmoothingQuality: "high" }).drawImage(sheet, x + x0, y + y0, x1 - x0, y1 - y0, 0, 0, canvas.width, canvas.height);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `a patch of ${name}, ${short(value)}`);
    return canvas;
  }));
  $("patches").prepend(make("p", { className: "keys", style: "grid-column: 1 / -1; margin: 0" }, best.length
    ? `What excites it most among the ${SCENES.labels.length} scenes of this page, cut out exactly where it looks${field ? "" : ": the whole picture"}. ` : "None of the scenes of this page excites it. ",
    make("a", { href: `${HOME}lessons/03_patches.html` }, "Lesson 03: patches")));
}

// ---- the first layer's filters

function layOutFilters() {
  const { net } = state, { name, k, out } = net.spec.steps[0], weight = net.weights[`${name}.weight`], area = k * k, channels = net.spec.mean.length;
  $("filters-say").textContent = `${k} × ${k}`;
  $("grid").setAttribute("aria-label", `filters of ${name}`);
  $("grid").replaceChildren(...Array.from({ length: out }, (_, unit) => {
    const one = weight.subarray(unit * channels * area, (unit + 1) * channels * area), most = Math.max(...one.map(Math.abs)), image = new ImageData(k, k);
    for (let n = 0; n < area; n++) image.data.set([0, 1, 2].map(c => 127.5 + (127.5 * one[Math.min(c, channels - 1) * area + n]) / most).concat(255), 4 * n);
    const canvas = make("canvas", { width: k, height: k }), tile = make("button", { type: "button" }, canvas);
    canvas.getContext("2d").putImageData(image, 0, 0);
    tile.setAttribute("aria-label", `filter ${unit}: show where it responds`);
    tile.onclick = () => { Object.assign(state, { layer: name, unit }); markFilter(); ask(); };
    return tile;
  }));
}

const markFilter = () => [...$("grid").children].forEach((tile, n) => tile.setAttribute("aria-current", n === state.unit));

// ---- controls

const pressed = (group, n) => [...group.children].forEach((one, k) => one.setAttribute("aria-pressed", k === n));

function layOutScenes() {
  $("strip").replaceChildren(...SCENES.labels.map((labels, n) => {
    const canvas = make("canvas", { width: 128, height: 128 }), one = make("button", { type: "button" }, canvas);
    canvas.getContext("2d").drawImage(sheet, ...corner(n), SCENES.size, SCENES.size, 0, 0, 128, 128);
    one.setAttribute("aria-label", `scene ${n + 1}: ${labels.map(label => SCENES.classes[label]).join(" and ")}`);
    one.onclick = () => showScene(n);
    return one;
  }));
}

function paintRamp() {
  const image = new ImageData(256, 1);
  for (let n = 0; n < 256; n++) {
    const grey = 127.5 * SCENES.dim * (1 - n / 255);
    image.data.set([0, 1, 2].map(c => grey + glow[3 * n + c]).concat(255), 4 * n);
  }
  $("ramp").getContext("2d").putImageData(image, 0, 0);
}

function tab(name) {
  state.tab = name;
  for (const one of document.querySelectorAll("[role=tab]")) {
    const here = one.id === `tab-${name}`;
    one.setAttribute("aria-selected", here);
    one.tabIndex = here ? 0 : -1;
    $(one.getAttribute("aria-controls")).hidden = !here;
  }
  if (name === "filters" && state.net) {
    const [first] = state.net.spec.steps;
    if (state.layer !== first.name) Object.assign(state, { layer: first.name, unit: null });
    markFilter();
  }
  if (name === "units" && state.net) layOutLayers();
  history.replaceState(null, "", `#${name}`);
  ask();
}

const within = (one, low, high) => Math.round(Math.min(Math.max(one, low), high));
function fitSquare() {  // to a network of another size
  const { size } = state.net;
  Object.assign($("side"), { min: Math.min(4, size >> 2), max: (3 * size) / 4 });
  state.square = null;
  resize(size >> 2);
}

function move(x, y, side = state.side) {
  const { size } = state.net;
  state.side = within(side, Number($("side").min), Number($("side").max));
  state.square = { x: within(x, 1 - state.side, size - 1), y: within(y, 1 - state.side, size - 1), side: state.side };
  $("side").value = state.side;
  $("side-said").textContent = `${state.side} × ${state.side}`;
  $("hint").classList.add("gone");
  ask();
}

function resize(side) {
  const { square } = state;
  if (square) return move(square.x + (square.side - side) / 2, square.y + (square.side - side) / 2, side);
  state.side = within(side, Number($("side").min), Number($("side").max));
  $("side").value = state.side;
  $("side-said").textContent = `${state.side} × ${state.side}`;
}

const HOME = document.querySelector("h1 a").getAttribute("href").replace(/index\.html$/, "");
const canvas = $("picture");
const drag = event => {
  if (!event.buttons || !state.net) return;
  const box = canvas.getBoundingClientRect(), { size } = state.net;
  move(((event.clientX - box.left) / box.width) * size - state.side / 2, ((event.clientY - box.top) / box.height) * size - state.side / 2);
};
canvas.onpointerdown = event => { canvas.setPointerCapture(event.pointerId); drag(event); };
canvas.onpointermove = drag;
canvas.onpointerup = canvas.onkeyup = () => { if (now) setTimeout(say, 50); };
const uncover = () => { state.square = null; ask(); };
canvas.onkeydown = event => {
  if (!state.net || event.ctrlKey || event.metaKey || event.altKey) return;
  const { x, y } = state.square || { x: (state.net.size - state.side) / 2, y: (state.net.size - state.side) / 2 }, step = event.shiftKey ? 1 : 4;
  const keys = {
    ArrowLeft: () => move(x - step, y), ArrowRight: () => move(x + step, y), ArrowUp: () => move(x, y - step), ArrowDown: () => move(x, y + step),
    "+": () => resize(state.side + 2), "=": () => resize(state.side + 2), "-": () => resize(state.side - 2), Delete: uncover, Backspace: uncover,
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
};
$("clear").onclick = uncover;
$("side").oninput = () => resize(Number($("side").value));

const tabs = [...document.querySelectorAll("[role=tab]")];
tabs.forEach((one, n) => {
  one.onclick = () => tab(one.id.slice(4));
  one.onkeydown = event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(n + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  };
});
$("network").onchange = () => choose($("network").value);
$("truth").onchange = () => { state.truth = $("truth").checked; ask(); };
for (const taps of ["show", "silence"]) {
  $(`tap-${taps}`).onclick = () => {
    state.taps = taps;
    for (const other of ["show", "silence"]) $(`tap-${other}`).setAttribute("aria-pressed", other === taps);
  };
}
$("wake").onclick = () => { state.silenced = {}; ask(); };
$("own").onclick = () => $("file").click();
$("file").onchange = () => { take([...$("file").files]); $("file").value = ""; };
$("camera").onclick = toggleCamera;
const dragged = event => [...(event.dataTransfer?.items || [])].some(item => item.kind === "file");
document.ondragover = event => { if (dragged(event)) { event.preventDefault(); document.body.classList.add("dropping"); } };
document.ondragleave = () => document.body.classList.remove("dropping");
document.ondrop = event => {
  document.body.classList.remove("dropping");
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  take(event.dataTransfer.files);
};
document.onpaste = event => showFile([...event.clipboardData.files].find(file => file.type.startsWith("image/")));
$("theme").onclick = () => {
  const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
};
window.onresize = ask;

tab(["cover", "map", "units", "filters"].find(name => `#${name}` === location.hash) || "cover");
start();
