// The page on which a network learns: a few steps in each frame, and what is drawn of it. `Learner` does the learning.

const $ = id => document.getElementById(id);
const make = (tag, props = {}) => Object.assign(document.createElement(tag), props);
const SIDE = 8, BATCH = 16, EACH = 5, TIME = 12, OFTEN = 10;  // every fifth is for the test; milliseconds a frame; steps between tests
const WRONG = 24, HIGH = 2.5, KEPT = 1200;  // digits that are shown; the highest loss on the axis; points of a curve

let [train, test] = [[], []];  // {picture, label}
let net, order, at, steps, curves, shown = 0, learning = false, wrong = [];

async function start() {
  const bytes = await unpacked(DIGITS.pixels), area = SIDE * SIDE;
  [...DIGITS.labels].forEach((label, n) => {
    const picture = Float32Array.from(bytes.subarray(n * area, (n + 1) * area), one => one / 16);
    (n % EACH === EACH - 1 ? test : train).push({ picture, label: Number(label) });
  });
  for (const [name, count] of [["filters", 8], ["noise", 8], ["maps1", 8], ["maps2", 16]]) $(name).replaceChildren(...Array.from({ length: count }, () => make("canvas")));
  begin();
  document.documentElement.dataset.ready = "";
}

function begin() {  // random numbers again, the seed's
  net = new Learner(Number($("seed").value) || 0);
  [order, at, steps, curves] = [train.map((_, n) => n), train.length, 0, { loss: [], right: [] }];
  $("count").textContent = net.parameters.reduce((sum, one) => sum + one.values.length, 0).toLocaleString("en");
  drawFilters("noise");
  examine();
  draw();
}

function shuffle() {
  for (let n = order.length - 1; n > 0; n--) {
    const other = Math.floor(net.random() * (n + 1));
    [order[n], order[other]] = [order[other], order[n]];
  }
  at = 0;
}

const rate = () => 10 ** Number($("rate").value);

function step() {  // sixteen digits
  if (at + BATCH > order.length) shuffle();
  const some = order.slice(at, at += BATCH).map(n => train[n]);
  const loss = net.step(some.map(one => one.picture), some.map(one => one.label), rate());
  curves.loss.push([steps, loss]);
  steps += 1;
  if (steps % OFTEN === 0) examine();
}

function examine() {  // on the digits that it never learns from
  wrong = [];
  test.forEach(({ picture, label }, n) => {
    const shares = net.answer(picture), said = shares.indexOf(Math.max(...shares));
    if (said !== label) wrong.push({ n, said, share: shares[said] });
  });
  curves.right.push([steps, 1 - wrong.length / test.length]);
  for (const name of Object.keys(curves)) if (curves[name].length > KEPT) curves[name] = curves[name].filter((_, n) => n % 2 === 0);
}

function frame() {
  if (!learning) return;
  const from = performance.now();
  do step(); while (performance.now() - from < TIME);
  draw();
  requestAnimationFrame(frame);
}

function run(on) {
  learning = on;
  $("run").textContent = on ? "❚❚ pause" : "▶ learn";
  $("run").setAttribute("aria-pressed", on);
  if (on) requestAnimationFrame(frame);
  else $("spoken").textContent = $("says").textContent;
}

// ---- what is drawn

function paint(canvas, values, wide, high, grey) {  // grey: a value's share of white, 0 to 1
  if (canvas.width !== wide) [canvas.width, canvas.height] = [wide, high];
  const image = new ImageData(wide, high);
  for (let n = 0; n < wide * high; n++) {
    const shade = 255 * Math.min(Math.max(grey(values[n]), 0), 1);
    image.data.set([shade, shade, shade, 255], 4 * n);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const ink = one => 1 - one;  // digits are dark on white

function draw() {
  const right = curves.right.at(-1)[1], seen = steps * BATCH;
  $("says").replaceChildren(`${(100 * right).toFixed(1)} % right `, make("small", { textContent: `after ${steps} steps, ${(seen / train.length).toFixed(1)} times through its ${train.length.toLocaleString("en")} digits` }));
  drawFilters();
  drawDigit();
  drawWrong();
  drawCurves();
}

function drawFilters(where = "filters") {
  const { values } = net.layers[0].weight, area = 25;
  [...$(where).children].forEach((canvas, n) => {
    const one = values.subarray(n * area, (n + 1) * area), most = Math.max(...one.map(Math.abs)) || 1;
    paint(canvas, one, 5, 5, weight => 0.5 + (0.5 * weight) / most);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `filter ${n}${where === "noise" ? " at the start" : ""}`);
  });
}

function drawDigit() {
  const { picture, label } = test[shown], shares = net.answer(picture), said = shares.indexOf(Math.max(...shares));
  paint($("digit"), picture, SIDE, SIDE, ink);
  $("digit").setAttribute("aria-label", `a handwritten ${label}`);
  $("answer").textContent = `It is a ${label}; the network says ${said}, ${Math.round(100 * shares[said])} %.`;
  for (const [name, layer] of [["maps1", 1], ["maps2", 4]]) {
    const { h, w, values } = net.layers[layer].output, most = Math.max(...values) || 1;
    [...$(name).children].forEach((canvas, n) => paint(canvas, values.subarray(n * h * w, (n + 1) * h * w), w, h, one => one / most));
  }
}

function drawWrong() {
  const some = [...wrong].sort((a, b) => b.share - a.share).slice(0, WRONG), key = some.map(({ n, said }) => `${n} ${said}`).join();
  if ($("wrong").dataset.key === key) return;
  $("wrong").dataset.key = key;
  $("wrong").replaceChildren(...some.map(({ n, said }) => {
    const { picture, label } = test[n], canvas = make("canvas"), one = make("figure");
    paint(canvas, picture, SIDE, SIDE, ink);
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `a ${label}, taken for a ${said}`);
    one.append(canvas, make("figcaption", { textContent: `${label} → ${said}` }));
    return one;
  }));
  $("wrong-said").textContent = wrong.length ? `${wrong.length} of ${test.length} wrong${wrong.length > WRONG ? `; the ${WRONG} of which it is surest` : ""}: what it is → what it says.` : "None.";
}

function drawCurves() {
  const canvas = $("curves"), sharp = window.devicePixelRatio || 1, wide = Math.round(canvas.clientWidth * sharp), high = Math.round(canvas.clientHeight * sharp);
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d"), style = getComputedStyle(document.documentElement), last = Math.max(steps, 100);
  context.clearRect(0, 0, wide, high);
  const line = (points, top, colour, thick) => {
    Object.assign(context, { strokeStyle: colour, lineWidth: thick * sharp, lineJoin: "round" });
    context.beginPath();
    for (const [x, y] of points) context.lineTo((x / last) * wide, high - (Math.min(y, top) / top) * (high - 4 * sharp) - 2 * sharp);
    context.stroke();
  };
  for (const share of [0.25, 0.5, 0.75]) line([[0, share], [last, share]], 1, style.getPropertyValue("--pale"), 1);
  line([[0, 0.1], [last, 0.1]], 1, style.getPropertyValue("--was"), 1);
  Object.assign(context, { fillStyle: style.getPropertyValue("--soft"), font: `${12 * sharp}px ${style.fontFamily}`, textAlign: "right" });
  for (const share of [0.25, 0.5, 0.75]) context.fillText(`${100 * share} %`, wide - 6 * sharp, high - share * (high - 4 * sharp) - 6 * sharp);
  if (!steps) Object.assign(context, { textAlign: "center" }).fillText("Press learn: the curves are drawn as it goes.", wide / 2, 0.4 * high);
  line(smooth(curves.loss), HIGH, style.getPropertyValue("--now"), 1.5);
  line(curves.right, 1, style.getPropertyValue("--warm"), 3);
  const loss = curves.loss.at(-1)?.[1];
  canvas.setAttribute("aria-label", `curves over ${steps} steps: ${(100 * curves.right.at(-1)[1]).toFixed(0)} % right${loss === undefined ? "" : `, loss ${loss.toFixed(2)}`}`);
}

// Each point the mean of those about it: sixteen digits alone say little
const smooth = points => points.map(([x], n) => {
  const near = points.slice(Math.max(0, n - 4), n + 5);
  return [x, near.reduce((sum, one) => sum + one[1], 0) / near.length];
});

// ---- controls

$("run").onclick = () => run(!learning);
$("step").onclick = () => {
  run(false);
  step();
  if (curves.right.at(-1)[0] !== steps) examine();
  draw();
};
$("again").onclick = () => { run(false); begin(); };
$("seed").onchange = () => { run(false); begin(); };
$("next").onclick = () => { shown = (shown + 1) % test.length; drawDigit(); };
$("rate").oninput = () => { $("rate-said").textContent = rate().toPrecision(1); };
$("theme").onclick = () => {
  const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  drawCurves();
};
window.onresize = drawCurves;
$("rate").oninput();
start();
