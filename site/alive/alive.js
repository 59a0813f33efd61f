// Widgets on pages without a kernel: the still becomes the widget, its front end the course's own; a network, where one
// is asked, runs in the page. What is called on `window` is for the scripts that a button loads (tools/alive.py).

(() => {
  const home = new URL(".", document.currentScript.src), nets = {}, fronts = {}, models = {}, given = {};
  const make = (tag, props = {}) => Object.assign(document.createElement(tag), props);
  const come = (name, node) => new Promise((done, failed) => {
    document.head.append(Object.assign(node, { onload: done, onerror: () => failed(new Error(`${name} did not come`)) }));
  });
  const load = name => come(name, make("script", { src: new URL(name, home) }));
  const dress = name => come(name, make("link", { rel: "stylesheet", href: new URL(name, home) }));

  window.arrived = spec => { nets[spec.name] = spec; };
  window.frontEnd = (name, render) => { fronts[name] = render; };
  window.modelOf = (name, made) => { models[name] = made; };  // of front ends that ask a network
  window.alive = (name, what) => { given[name] = what; };

  // What a front end takes for its kernel: the same names, the same events
  window.kept = (state, changed = () => {}) => {
    const heard = {};
    const put = (name, value) => {
      state[name] = value;
      (heard[`change:${name}`] || []).forEach(told => told());
    };
    return {
      put,
      get: name => state[name],
      set: (name, value) => Object.entries(typeof name === "string" ? { [name]: value } : name).forEach(one => put(...one)),
      save_changes: changed,
      on: (event, told) => { (heard[event] ||= []).push(told); },
      off: (event, told) => { heard[event] = (heard[event] || []).filter(other => other !== told); },
    };
  };

  async function network(spec) {
    return new Network(spec, await weightsOf(spec), firstThatRuns(KERNELS));
  }

  window.pixelsOf = async (file, size) => {  // a picture's bytes as (3, size, size) in [0, 1]
    const image = await createImageBitmap(new Blob([file]), { colorSpaceConversion: "none" }), area = size * size;
    const context = make("canvas", { width: size, height: size }).getContext("2d"), out = new Float32Array(3 * area);
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, size, size);
    for (let n = 0; n < area; n++) for (let c = 0; c < 3; c++) out[c * area + n] = data[4 * n + c] / 255;
    return out;
  };

  async function opened(value) {  // what was packed as bytes, the rest as it is
    if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
    if ("packed" in value) return unpacked(value.packed);
    return Object.fromEntries(await Promise.all(Object.entries(value).map(async ([name, one]) => [name, await opened(one)])));
  }

  // A slide's picture; on the site what the cell before puts out
  const stillOf = box => box.closest(".page")?.querySelector(".picture") || box.previousElementSibling.querySelector(".cell_output");

  async function wake(box, button) {
    const name = box.dataset.of;
    button.disabled = true;
    button.textContent = "It is coming …";
    try {
      for (const script of ["engine.js", `${name}.js`]) await load(script);
      const { front, network: asked, state } = given[name];
      for (const script of [...(asked ? ["kernel.js", `${asked}.js`] : []), `${front}.js`]) await load(script);
      await dress(`${front}.css`);
      const open = await opened(state), model = models[front] ? await models[front](open, await network(nets[asked])) : kept(open);
      stillOf(box).hidden = true;
      box.replaceChildren();
      box.classList.add("awake");
      box.onkeydown = event => event.stopPropagation();  // or a deck turns the page
      fronts[front]({ model, el: box });
      (box.querySelector("[tabindex]") || box.querySelector("button, select")).focus({ preventScroll: true });
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
