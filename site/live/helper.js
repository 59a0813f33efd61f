// A slow network answers in a worker, on another of the device's cores, and the page only draws. The worker has the same
// network, laid out alike: what the page may show of an answer is copied to the same places of the page's own network,
// so that whoever reads maps there need not know who computed them. Where no worker can be had, work.js goes on in slices.

let helper = null;  // {net, worker}: of one network at a time; `null` until one is slow
let alone = typeof Worker === "undefined";

// What the worker runs: the engine's own source, since a page opened from a disk can hand over no file
function workerMain() {
  let net;
  onmessage = ({ data: { begin, number, asked, maps } }) => {
    if (begin) return void (net = new Network(...begin));
    const from = performance.now();
    const found = asked.map(({ pixels, silenced }) => net.run(pixels, silenced));
    const spent = performance.now() - from, copies = maps.map(([at, length]) => net.f.slice(at, at + length));
    postMessage({ number, found, spent, copies }, copies.map(one => one.buffer));
  };
}

function help(net) {  // the helper of this network, or nothing
  if (alone || helper?.net === net) return alone ? null : helper;
  dismiss();
  const source = [`const PAGE = ${PAGE};`, eights, Network, `(${workerMain})();`].join("\n");
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    helper = { net, worker: new Worker(address), places: places(net) };
  } catch { return void (alone = true); }
  helper.worker.onmessage = ({ data }) => answered(data);
  helper.worker.onerror = () => { alone = true; dismiss(); stopWork(); };
  helper.worker.postMessage({ begin: [net.spec, net.weights, kernel] });
  return helper;
}

function dismiss() {
  helper?.worker.terminate();
  helper = null;
}

// Of all that the page shows: the layers, and what gradients go back through; [where, how many numbers]
function places(net) {
  const shown = new Set([...layersOf(net).map(name => net.maps[name]), net.maps[firstConv(net).name], ...net.plan.slice(net.last).map(p => p.output)]);
  return [...shown].map(({ at, c, plane }) => [at, c * plane]);
}
