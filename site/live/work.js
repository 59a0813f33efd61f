// The network at work. A quick one answers in each drawing. One that takes longer than a drawing may is asked in a worker
// (helper.js), or else computed in slices, one between two drawings: meanwhile the picture and the square are drawn with
// the last map, at the screen's own pace.

const SLICE = 10;  // milliseconds of the network's in each drawing; sixty drawings a second leave sixteen for everything
let [wanted, stale, number] = [false, false, 0];  // a drawing; an answer to what has changed since the last one began; of questions
const SURE = 3;  // answers, until a network is known to be slow
let task = null;  // the answer that is being computed: {steps, spent, told}, milliseconds so far, who waits for it
let wholeOf = null;  // the pixels that `was` answers
let [milliseconds, waiting] = [[], []];
const rates = { drawn: [], answered: [] };  // when, in the last second

function ask() {
  stale = true;
  nextDrawing();
}

function nextDrawing() {
  if (wanted) return;
  wanted = true;
  requestAnimationFrame(() => { wanted = false; draw(); });
}

const silent = () => Object.values(state.silenced).some(units => units.size);

// All is taken as it is when the answer begins. whole: whether the whole picture is yet to be answered; asked: what the
// network is run on, at most the whole picture and then what is left of it
function question() {
  const { pixels, silenced } = state, quiet = Object.fromEntries(Object.entries(silenced).map(([layer, units]) => [layer, new Set(units)]));
  const changed = state.square || silent(), whole = wholeOf !== pixels;
  const asked = [...(whole || !changed ? [{ pixels }] : []), ...(changed ? [{ pixels: covered(), silenced: quiet }] : [])];
  return { pixels, whole, asked };
}

function* answering({ net } = state, { pixels, whole, asked } = question()) {
  const found = [];
  for (const one of asked) found.push(yield* net.steps(one.pixels, one.silenced));
  return { pixels, whole, found };
}

// Whether the answers, and the network's maps, are new ones; if not, they will come in a later drawing
function compute() {
  if (!task) {
    const { net } = state, asked = question(), told = waiting.splice(0), away = milliseconds.length >= SURE && typical() > SLICE && help(net);
    task = away ? { told, away, number: ++number, asked } : { told, steps: answering(state, asked), spent: 0 };
    stale = false;
    if (away) away.worker.postMessage({ number: task.number, asked: asked.asked, maps: away.places });
  }
  if (task.away) return task.found ? taken(task.asked, task.found, task.spent) : false;
  const from = performance.now();
  let step;
  do step = task.steps.next(); while (!step.done && performance.now() - from < SLICE);
  task.spent += performance.now() - from;
  if (!step.done) return nextDrawing();
  return taken(step.value, step.value.found, task.spent);
}

function answered({ number: of, found, spent, copies }) {  // by the worker
  if (task?.number !== of) return;  // it was asked of another picture
  copies.forEach((one, n) => state.net.f.set(one, task.away.places[n][0]));
  Object.assign(task, { found, spent });
  nextDrawing();
}

function taken({ pixels, whole }, found, spent) {
  if (whole) [was, wholeOf] = [softmax(found[0]), pixels];
  [logits, now] = [found.at(-1), softmax(found.at(-1))];
  milliseconds = [...milliseconds.slice(-29), spent];
  for (const done of task.told) done();
  task = null;
  if (stale) nextDrawing();
  counted("answered");
  return true;
}

function stopWork() {  // whoever runs the network for something else, or takes another
  if (!task) return;
  waiting.push(...task.told);
  task = null;
  ask();
}

const settled = () => new Promise(done => { waiting.push(done); ask(); });  // once what is asked now is answered and drawn
const typical = () => [...milliseconds].sort((a, b) => a - b)[milliseconds.length >> 1];  // of the last thirty answers

function counted(what) {
  const now = performance.now();
  rates[what] = [...rates[what].filter(one => now - one < 1000), now];
}

// How long an answer takes and, of a network too slow for every drawing, how many came in the last second
function speed() {
  const rate = rates.answered.length < rates.drawn.length ? `; in the last second the picture was drawn ${rates.drawn.length} times and answered ${rates.answered.length} times` : "";
  return `${typical().toFixed(1)} ms for an answer on this device${kernel ? "" : ", without SIMD"}${typical() > SLICE ? rate : ""}.`;
}
