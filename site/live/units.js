// Every unit's map, its best patches, silence; and the first layer's filters.

const layersOf = (net, only) => net.spec.layers || net.plan.filter(p => p.op === "conv" || (!only && p.op === "linear" && p.relu)).map(p => p.name);

function layOutLayers() {
  $("layers").replaceChildren(...layersOf(state.net).map(name => {
    const one = make("button", { type: "button" }, name);
    one.onclick = () => { Object.assign(state, { layer: name, unit: null }); layOutTiles(); ask(); };
    return one;
  }));
  layOutTiles();
}

// One canvas carries all tiles, and over it lies a button for each: a thousand canvases would cost more than the network.
// The columns are the style sheet's: fewer on a phone, where a tile must have a finger's width.
const columns = () => Number(getComputedStyle($("tiles")).getPropertyValue("--columns"));
const tilesOf = group => [...group.querySelectorAll("button")];

function layOutTiles() {
  const { net, layer } = state, { c } = net.maps[layer];
  pressed($("layers"), layersOf(net).indexOf(layer));
  $("tiles").classList.toggle("dense", c > 64);
  $("tiles").replaceChildren($("units-drawn"), ...Array.from({ length: c }, (_, unit) => {
    const one = make("button", { type: "button", ariaLabel: `unit ${unit}`, unit });
    one.onclick = () => {
      if (state.taps === "silence") silence(layer, unit);
      state.unit = unit;
      markTiles();
      drawPatches();
      ask();
    };
    return one;
  }));
  [marked, sheeted] = ["", ""];
  if (now) drawTiles();
  drawPatches();
}

// The numbers of the layer that is shown, copied out of the network once an answer, and their highest
let reading = {};
function readUnits() {
  const { net, layer } = state;
  if (reading.of !== logits || reading.layer !== layer) {
    const values = net.values(net.maps[layer]);
    reading = { of: logits, layer, values, cells: net.maps[layer].h * net.maps[layer].w, most: highest(values) };
  }
  return reading;
}
const valuesOf = unit => readUnits().values.subarray(unit * reading.cells, (unit + 1) * reading.cells);

const firstConv = net => net.plan.find(p => p.op === "conv" || p.op === "depthwise");

function strongestUnit() {  // on this picture
  const { values, most, cells } = readUnits();
  return Math.floor(Math.max(values.indexOf(most), 0) / cells);
}

function silence(layer, unit) {
  const units = (state.silenced[layer] ||= new Set());
  if (!units.delete(unit)) units.add(unit);
}

let [naming, marked, sheeted] = [0, "", ""];  // screen readers are told each unit's highest number once the picture rests
function nameTiles() {
  const quiet = state.silenced[state.layer] || new Set();
  if (now) for (const tile of tilesOf($("tiles"))) {
    tile.setAttribute("aria-label", `unit ${tile.unit}, at most ${short(highest(valuesOf(tile.unit)))}${quiet.has(tile.unit) ? ", silenced" : ""}`);
  }
}

function markTiles() {  // the unit that is shown, and those that are silent
  const quiet = state.silenced[state.layer] || new Set(), key = [state.layer, state.unit, ...quiet].join();
  if (key !== marked) for (const tile of tilesOf($("tiles"))) {
    tile.classList.toggle("silent", quiet.has(tile.unit));
    tile.setAttribute("aria-current", tile.unit === state.unit);
    tile.tabIndex = tile.unit === (state.unit ?? 0) ? 0 : -1;
  }
  marked = key;
  const count = Object.values(state.silenced).reduce((sum, units) => sum + units.size, 0);
  Object.assign($("wake"), { disabled: !count, textContent: count ? `wake all (${count})` : "wake all" });
}

let image = null;  // of all tiles
function drawTiles() {
  const { net, layer } = state, { c, h, w } = net.maps[layer], { values, most } = readUnits(), across = columns();
  const canvas = $("units-drawn"), wide = across * w, high = Math.ceil(c / across) * h, key = [layer, wide, high].join();
  if (sheeted !== key) {
    Object.assign(canvas, { width: wide, height: high });
    image = new ImageData(wide, high);
    sheeted = key;
  }
  const pixels = new Uint32Array(image.data.buffer), scale = 255 / (most || 1);
  for (let unit = 0, n = 0; unit < c; unit++) {
    const left = (unit % across) * w, top = Math.floor(unit / across) * h;
    for (let y = 0; y < h; y++) for (let at = (top + y) * wide + left, end = at + w; at < end; at++, n++) {
      pixels[at] = lights[values[n] > 0 ? Math.round(values[n] * scale) : 0];
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function drawUnits() {
  const { layer, unit } = state, { most } = readUnits(), top = highest(valuesOf(unit));
  drawTiles();
  markTiles();
  $("unit-says").textContent = state.silenced[layer]?.has(unit) ? "It is silenced." : top ? `Here it is at most ${short(top)}.` : "On this picture it is silent by itself.";
  $("tiles-scale").textContent = `All units of ${layer} are on one scale, from 0 to ${short(most)}.`;
  $("unit-name").textContent = `${layer}, unit ${unit}`;
  $("peek").getContext("2d").drawImage($("picture"), 0, 0, 160, 160);
  clearTimeout(naming);
  naming = setTimeout(nameTiles, 200);
}

// Each unit's strongest cell in each of the page's scenes, for all layers, found once a network, with nothing silenced
const strongest = new Map();
function findStrongest(net) {
  if (strongest.has(net)) return strongest.get(net);
  const found = Object.fromEntries(layersOf(net).map(name => [name, Array.from({ length: net.maps[name].c }, () => [])]));
  const kept = state.pixels;
  stopWork();
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
  state.pixels = kept;
  net.run(covered(), state.silenced);  // its maps are again those of the picture
  strongest.set(net, found);
  return found;
}

function drawPatches() {
  if (state.tab !== "units" || state.unit === null) return;
  const why = state.net.spec.photographs ? "What excites it most is found in photographs, which this page does not carry. "
    : typical() > SLOW ? "This network is too slow to be shown all scenes of this page. " : "";
  if (why) {
    return $("patches").replaceChildren(make("p", { className: "keys", style: "grid-column: 1 / -1; margin: 0" }, why,
      make("a", { href: `${HOME}lessons/03_patches.html` }, "Lesson 03: patches")));
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
  const { net } = state, { name, k, op, input, output } = firstConv(net), weight = net.weights[`${name}.weight`], area = k * k, out = output.c;
  const channels = op === "conv" ? input.c : 1;
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

const markFilter = () => tilesOf($("grid")).forEach((tile, n) => {
  tile.setAttribute("aria-current", n === state.unit);
  tile.tabIndex = n === (state.unit ?? 0) ? 0 : -1;
});
