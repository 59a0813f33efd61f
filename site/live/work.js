// The network at work. An answer that takes longer than a drawing may is computed in slices, one between two drawings:
// meanwhile the picture and the square are drawn with the last map, at the screen's own pace.

const SLICE = 10;  // milliseconds of the network's in each drawing; sixty drawings a second leave sixteen for everything
let [wanted, stale] = [false, false];  // a drawing; an answer to what has changed since the last one began
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

// All is taken as it is when the answer begins. whole: probabilities of the whole picture; found: the logits now
function* answering() {
  const { net, pixels, silenced } = state, changed = state.square || silent(), asked = covered();
  const quiet = Object.fromEntries(Object.entries(silenced).map(([layer, units]) => [layer, new Set(units)]));
  let [whole, found] = [wholeOf === pixels ? was : null, null];
  if (!whole || !changed) found = yield* net.steps(pixels);
  whole ||= softmax(found);
  if (changed) found = yield* net.steps(asked, quiet);
  return { pixels, whole, found };
}

// Whether the answers, and the network's maps, are new ones; if not, they will come in a later drawing
function compute() {
  if (!task) {
    task = { steps: answering(), spent: 0, told: waiting.splice(0) };
    stale = false;
  }
  const from = performance.now();
  let step;
  do step = task.steps.next(); while (!step.done && performance.now() - from < SLICE);
  task.spent += performance.now() - from;
  if (!step.done) return nextDrawing();
  const { pixels, whole, found } = step.value;
  [was, wholeOf, logits, now] = [whole, pixels, found, softmax(found)];
  milliseconds = [...milliseconds.slice(-29), task.spent];
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
