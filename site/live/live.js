// The page: its state, the grey square and the answers. Everything that changes asks for one new drawing; `draw` does all
// of it. The network works in work.js; what is looked at is in look.js, the networks in nets.js, the panels' maps in maps.js
// and units.js.

const $ = id => document.getElementById(id);
const make = (tag, props = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
};
const GREY = 0.5, BEST = 6;  // the square; how many patches of a unit are shown
const ALL = 12, FIRST = 9;  // classes: so many are all listed; of more, the first
const SLOW = 100;  // milliseconds: a network that takes longer is not shown all scenes
const percent = one => `${Math.round(100 * one)} %`;
const short = one => (Math.abs(one) >= 100 ? one.toFixed(0) : Math.abs(one) >= 10 ? one.toFixed(1) : one.toFixed(2)).replace("-", "−");

const nets = {};
const state = {
  net: null, scene: 0, frame: null, name: "", pixels: null, square: null, side: 32, tab: "cover", target: null, layer: null, unit: null,
  silenced: {}, taps: "show", truth: false, video: null,
};
let [sheet, clip, masks, glow, lights, kernel] = [];  // glow: the light that heat adds, three bytes each; lights: the same as pixels
let [was, now, logits, listed] = [null, null, null, []];  // probabilities of the whole picture, and as it is asked; classes
let held = null;  // the map on the picture, until the next answer

function covered() {
  const { square, pixels, net } = state;
  if (!square) return pixels;
  const out = pixels.slice(), { size } = net, { x, y, side } = square;
  for (let c = 0; c < net.spec.mean.length; c++) for (let row = Math.max(y, 0); row < Math.min(y + side, size); row++) {
    out.fill(GREY, c * size * size + row * size + Math.max(x, 0), c * size * size + row * size + Math.min(x + side, size));
  }
  return out;
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
  counted("drawn");
  if (!compute()) return drawPicture(held);
  listed = listing(state.net.classes.length);
  if (!listed.includes(state.target)) state.target = null;
  const best = leader();
  if (state.unit === null) { state.unit = strongestUnit(); drawPatches(); markFilter(); }
  drawBars(best);
  const shown = held = heat();
  drawPicture(shown);
  $("scale").hidden = !shown;
  if (shown) [$("low").textContent, $("high").textContent] = [short(shown.low), short(shown.high)];
  const { classes, spec } = state.net, things = spec.photographs ? "things" : $("network").value.startsWith("own ") ? "classes" : "critters";
  const truth = !drawn() ? `it knows only ${classes.length} ${things}` : `drawn: ${state.name}`;
  $("says").replaceChildren(`${classes[best]} ${percent(now[best])} `, make("small", {}, truth));
  $("clear").disabled = !state.square;
  if (state.tab === "map") drawMaps(shown);
  if (state.tab === "units") drawUnits();
  $("speed").textContent = speed();
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
  const { h, w } = net.maps[state.layer];
  if (h * w === 1) return null;
  const one = valuesOf(state.unit);
  return { laid: lay(one, net.spec.fields[state.layer], net.size), low: 0, high: Math.max(tab === "filters" ? highest(one) : readUnits().most, 1e-9) };
}

const highest = values => { let most = 0; for (const one of values) if (one > most) most = one; return most; };

function classMaps() {
  const { net } = state;
  return listed.map(target => (net.pooled ? net.cam(target) : net.gradcam(target)));
}

// As camlib.show.overlays: the picture dark and grey, so that only heat is bright. box: only these pixels, as if grey
function blended(pixels, shown, size, box) {
  const [left, top, wide, high] = box || [0, 0, size, size], image = new ImageData(wide, high), { data } = image, area = size * size;
  const dim = 255 * SCENES.dim, slope = shown ? 255 / (shown.high - shown.low) : 0, [second, third] = pixels.length > area ? [area, 2 * area] : [0, 0];
  let [r, g, b] = [GREY, GREY, GREY];
  for (let at = 0, y = 0; y < high; y++) for (let n = (top + y) * size + left, end = n + wide; n < end; n++, at += 4) {
    if (!box) [r, g, b] = [pixels[n], pixels[second + n], pixels[third + n]];
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
let washed = {};  // the last picture under its map, without the square: while only that moves, nothing else is mixed again
function paint(canvas, shown) {
  const { square, pixels, net: { size } } = state;
  if (washed.pixels !== pixels || washed.shown !== shown) washed = { pixels, shown, image: blended(pixels, shown, size) };
  if (buffer.width !== size) [buffer.width, buffer.height] = [size, size];
  wash.putImageData(washed.image, 0, 0);
  if (square) {
    const [left, top] = [Math.max(square.x, 0), Math.max(square.y, 0)];
    const box = [left, top, Math.min(square.x + square.side, size) - left, Math.min(square.y + square.side, size) - top];
    wash.putImageData(blended(pixels, shown, size, box), left, top);
  }
  const context = canvas.getContext("2d");
  Object.assign(context, { imageSmoothingEnabled: true, imageSmoothingQuality: "high" });
  context.drawImage(buffer, 0, 0, canvas.width, canvas.height);
  return context;
}

function drawPicture(shown) {
  const canvas = $("picture"), { size } = state.net, { square } = state;
  const wide = Math.round(canvas.clientWidth * (window.devicePixelRatio || 1));
  if (canvas.width !== wide) [canvas.width, canvas.height] = [wide, wide];
  const scale = wide / size, context = paint(canvas, shown);
  if (state.truth && state.tab === "map") {
    for (const mask of drawnMasks()) outline(context, mask, wide / SCENES.size);
  }
  if (square) {
    for (const [colour, thick] of [["rgb(0 0 0 / 75%)", 5], ["white", 2]]) {
      Object.assign(context, { strokeStyle: colour, lineWidth: thick * scale * size / 400 });
      context.strokeRect(square.x * scale, square.y * scale, square.side * scale, square.side * scale);
    }
  }
  const name = `${state.name}${square ? `, with a grey square at ${square.x}, ${square.y}` : ""}. Arrow keys move a grey square.`;
  if (canvas.getAttribute("aria-label") !== name) canvas.setAttribute("aria-label", name);
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
  if (!now) return;
  const best = leader();
  $("spoken").textContent = `${state.net.classes[best]} ${percent(now[best])}`;
};

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
    const first = firstConv(state.net);
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
  sized(side);
  state.square = { x: within(x, 1 - state.side, size - 1), y: within(y, 1 - state.side, size - 1), side: state.side };
  $("hint").classList.add("gone");
  ask();
}

function resize(side) {
  const { square } = state;
  if (square) return move(square.x + (square.side - side) / 2, square.y + (square.side - side) / 2, side);
  sized(side);
}

function sized(side) {
  state.side = within(side, Number($("side").min), Number($("side").max));
  const said = `${state.side} × ${state.side}`;
  if ($("side-said").textContent === said) return;  // while it is only moved, nothing is laid out again
  $("side").value = state.side;
  $("side-said").textContent = said;
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
canvas.onpointerup = canvas.onkeyup = () => setTimeout(say, 50);
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
$("camera").onclick = () => toggleCamera();
$("clip").onclick = () => toggleClip();
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
// Of many buttons one is reached by Tab, and the arrow keys go on from it
function roving(group) {
  group.onkeydown = event => {
    const all = tilesOf(group), at = all.indexOf(event.target), below = all.findIndex(one => one.offsetTop > all[0].offsetTop), across = below < 0 ? all.length : below;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + across, ArrowUp: at - across, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    if (!all[to]) return;
    all[at].tabIndex = -1;
    all[to].tabIndex = 0;
    all[to].focus();
  };
}
for (const name of ["strip", "tiles", "grid"]) roving($(name));
window.onresize = () => { sheeted = ""; ask(); };
