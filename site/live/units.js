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

const seen = new Set();  // tiles on the screen: of a thousand, only these are drawn
const sight = new IntersectionObserver(entries => {
  for (const { target, isIntersecting } of entries) seen[isIntersecting ? "add" : "delete"](target);
  if (state.tab === "units") ask();
}, { rootMargin: "100px" });

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
  sight.disconnect();
  seen.clear();
  for (const tile of $("tiles").children) sight.observe(tile);
  drawPatches();
}

const firstConv = net => net.plan.find(p => p.op === "conv" || p.op === "depthwise");

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
    const own = values.subarray(unit * h * w, (unit + 1) * h * w), top = highest(own);
    if (seen.has(tile)) {
      for (let n = 0; n < h * w; n++) {
        const from = 3 * Math.round(255 * Math.max(own[n] / most, 0));
        for (let c = 0; c < 3; c++) image.data[4 * n + c] = glow[from + c];
        image.data[4 * n + 3] = 255;
      }
      tile.firstChild.getContext("2d").putImageData(image, 0, 0);
    }
    tile.classList.toggle("silent", quiet.has(unit));
    const current = String(unit === state.unit);
    if (tile.getAttribute("aria-current") !== current) tile.setAttribute("aria-current", current);
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

const markFilter = () => [...$("grid").children].forEach((tile, n) => tile.setAttribute("aria-current", n === state.unit));
