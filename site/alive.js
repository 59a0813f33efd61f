// Widgets on pages without a kernel: the still becomes the widget, its front end the course's own, its network in the page.
// `arrived`, `frontEnd` and `alive` are called by the scripts that a button loads; tools/alive.py writes them.

(() => {
  const FILLS = { grey: 0.5, black: 0, white: 1, mean: null };  // of the notebook's, those that need no filter
  const home = new URL(".", document.currentScript.src), nets = {}, fronts = {}, given = {};
  const make = (tag, props = {}) => Object.assign(document.createElement(tag), props);
  const load = name => new Promise((done, failed) => {
    document.head.append(make("script", { src: new URL(name, home), onload: done, onerror: () => failed(new Error(`${name} did not come`)) }));
  });

  window.arrived = spec => { nets[spec.name] = spec; };
  window.frontEnd = (name, render) => { fronts[name] = render; };
  window.alive = (name, what) => { given[name] = what; };

  async function network(spec) {
    const kernel = Uint8Array.from(atob(KERNEL), one => one.charCodeAt(0));
    return new Network(spec, await weightsOf(spec), runs(kernel) ? kernel : null);
  }

  function png(colour, size) {  // a picture whose place n has a colour, as a file
    const canvas = make("canvas", { width: size, height: size }), image = new ImageData(size, size);
    for (let n = 0; n < size * size; n++) image.data.set(colour(n).map(one => 255 * one).concat(255), 4 * n);
    canvas.getContext("2d").putImageData(image, 0, 0);
    return new Promise(done => canvas.toBlob(done));
  }
  async function pixelsOf(address) {  // (3, h, w) in [0, 1]
    const image = make("img", { src: address });
    await image.decode();
    const [wide, high] = [image.naturalWidth, image.naturalHeight], canvas = make("canvas", { width: wide, height: high });
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, wide, high), out = new Float32Array(3 * wide * high);
    for (let n = 0; n < wide * high; n++) for (let c = 0; c < 3; c++) out[c * wide * high + n] = data[4 * n + c] / 255;
    return out;
  }

  // What square.js takes for its kernel: the same names, the same events, answered by a network in the page
  async function squareModel(net, { pictures, x, y, side }) {
    const { size } = net, area = size * size, heard = {};
    const bytes = Object.fromEntries(Object.entries(pictures).map(([name, png64]) => [name, `data:image/png;base64,${png64}`]));
    const state = { _pictures: Object.keys(pictures), _fills: Object.keys(FILLS), _size: [size, size], picture: Object.keys(pictures)[0], x, y, side, fill: "grey" };
    let [pixels, was, asked] = [null, null, ""];
    const colour = () => {
      const one = FILLS[state.fill];
      return [0, 1, 2].map(c => one ?? pixels.subarray(c * area, (c + 1) * area).reduce((sum, value) => sum + value, 0) / area);
    };
    const put = (name, value) => {
      state[name] = value;
      (heard[`change:${name}`] || []).forEach(told => told());
    };
    const answer = () => {
      const covered = pixels.slice(), fill = colour(), end = at => Math.min(at + state.side, size);
      for (let c = 0; c < 3; c++) for (let row = Math.max(state.y, 0); row < end(state.y); row++) {
        covered.fill(fill[c], c * area + row * size + Math.max(state.x, 0), c * area + row * size + end(state.x));
      }
      const now = softmax(net.run(covered));
      put("rows", net.classes.map((name, n) => [name, was[n], now[n]]));
    };
    async function fresh() {  // another picture, another fill
      if (asked === `${state.picture} ${state.fill}`) return answer();
      const wanted = asked = `${state.picture} ${state.fill}`, found = await pixelsOf(bytes[state.picture]);
      if (asked !== wanted) return;
      pixels = found;
      was = softmax(net.run(pixels));
      const fill = colour(), [shown, behind] = await Promise.all([png(n => [0, 1, 2].map(c => pixels[c * area + n]), size), png(() => fill, size)]);
      put("_shown", shown);
      put("_behind", behind);
      answer();
    }
    await fresh();
    return {
      get: name => state[name],
      set: (name, value) => Object.entries(typeof name === "string" ? { [name]: value } : name).forEach(one => put(...one)),
      save_changes: fresh,
      on: (event, told) => { (heard[event] ||= []).push(told); },
      off: (event, told) => { heard[event] = (heard[event] || []).filter(other => other !== told); },
    };
  }

  // A slide's picture; on the site what the cell before puts out
  const stillOf = box => box.closest(".page")?.querySelector(".picture") || box.previousElementSibling.querySelector(".cell_output");

  async function wake(box, button) {
    const name = box.dataset.of;
    button.disabled = true;
    button.textContent = "It is coming …";
    try {
      await load(`${name}.js`);
      const what = given[name];
      for (const script of ["engine.js", "kernel.js", `${what.front}.js`, `${what.network}.js`]) await load(script);
      document.head.append(make("link", { rel: "stylesheet", href: new URL(`${what.front}.css`, home) }));
      const model = await squareModel(await network(nets[what.network]), what);
      stillOf(box).hidden = true;
      box.replaceChildren();
      box.classList.add("awake");
      fronts[what.front]({ model, el: box });
      box.querySelector("[tabindex]")?.focus({ preventScroll: true });
    } catch (error) {
      button.textContent = `It did not come: ${error.message}.`;
    }
  }

  for (const box of document.querySelectorAll(".alive[data-of]")) {
    const button = make("button", { type: "button", textContent: "▶ Do it here, in this page" });
    button.onclick = () => wake(box, button);
    box.append(button);
  }
})();
