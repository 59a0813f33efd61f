// Where it looks: the map of each class, and whether it points at the truth, whose outlines are known.

const SMALL = 96;  // pixels of a small map, each way
const little = make("canvas", { width: SMALL, height: SMALL }), glance = little.getContext("2d", { willReadFrequently: true });

function layOutMaps() {
  const { net } = state;
  $("maps").classList.toggle("long", $("bars").classList.contains("long"));
  $("maps").replaceChildren(...[...$("bars").children].map((_, n) => {
    const one = make("button", { type: "button" }, make("canvas", { width: SMALL, height: SMALL }),
      make("span", {}, net.classes.length <= ALL ? net.classes[n] : `answer ${n + 1}`));
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
  const { net } = state, field = net.spec.fields[net.plan[net.last].name], pixels = shrunk(), { target } = shown;
  [...$("maps").children].forEach((one, k) => {
    const n = listed[k];
    one.firstChild.getContext("2d").putImageData(blended(pixels, { ...shown, laid: lay(shown.all[k], field, net.size, SMALL) }, SMALL), 0, 0);
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

function shrunk() {  // what the network sees, in as many pixels as a small map has
  paint(little, null);
  const { data } = glance.getImageData(0, 0, SMALL, SMALL), area = SMALL * SMALL;
  return Float32Array.from({ length: 3 * area }, (_, n) => data[4 * (n % area) + Math.floor(n / area)] / 255);
}

function pointing({ laid, target }) {
  const { net } = state, name = net.classes[target], labels = drawn();
  if (!labels) return ["On your own picture nobody knows the true place; on the scenes it is known to the pixel."];
  const critter = labels.findIndex(label => SCENES.classes[label] === name);
  if (critter < 0) return [`There is no ${name} in this scene, so there is no true place to compare with.`];
  const at = laid.indexOf(Math.max(...laid)), scale = SCENES.size / net.size;
  const on = drawnMasks()[critter](Math.floor((at % net.size) * scale), Math.floor(Math.floor(at / net.size) * scale));
  return [`The map's highest point lies ${on ? "on" : "beside"} the ${name}. `,
    make("a", { href: `${HOME}lessons/08_localization.html` }, "Lesson 08: how often it does")];
}

// ---- the true outlines: bits, the first critters of all scenes, then the second ones of the pairs, then the clip's frames

function drawnMasks() {
  if (!drawn()) return [];
  const area = SCENES.size ** 2, bytes = area / 8, { scene, frame } = state, { length } = SCENES.labels;
  const pairs = SCENES.labels.findIndex(one => one.length > 1);
  const which = frame !== null ? [2 * length - pairs + frame] : drawn().length > 1 ? [scene, length + scene - pairs] : [scene];
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
