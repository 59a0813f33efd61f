// Lesson 02's explorer without a kernel: a unit's map over a picture, what excites it most, the answer with it and
// without. As camlib.UnitExplorer draws it, but that all of it moves at once.

(() => {
  const CLASSES = 4, PATCH = 170;  // a patch is drawn with so many pixels

  function make(tag, props = {}, ...children) {
    const node = Object.assign(document.createElement(tag), props);
    node.append(...children);
    return node;
  }
  const short = number => String(Number(number.toPrecision(3)));
  const percent = share => `${Math.round(100 * share)}%`;

  modelOf("units", async (state, net) => Object.assign(kept(state), { net }));

  function render({ model, el }) {
    const { net } = model, { size } = net, area = size * size;
    const [pictures, best, [begin, firstLayer, firstUnit]] = [model.get("pictures"), model.get("best"), model.get("start")];
    const glow = model.get("glow"), dim = 255 * model.get("dim");
    const menu = (names, value) => make("select", {}, ...names.map(name => make("option", { value: name, selected: name === value }, name)));
    const [picture, layer] = [menu(Object.keys(pictures), begin), menu(Object.keys(best), firstLayer)];
    const unit = make("input", { type: "range", min: 0, step: 1 }), number = make("b");
    const map = make("canvas", { width: size, height: size, className: "map" }), [low, high] = [make("span"), make("span")];
    const ramp = make("canvas", { width: 256, height: 1, className: "ramp" });
    const [patches, bars, said] = [make("div", { className: "patches" }), make("div", { className: "bars" }), make("p", { className: "said" })];
    for (const canvas of [map, ramp]) canvas.setAttribute("role", "img");
    ramp.setAttribute("aria-label", "from no heat to full");
    said.setAttribute("aria-live", "polite");
    const own = make("input", { type: "file", accept: "image/*" });
    const block = (title, ...inside) => make("div", { className: "block" }, make("div", { className: "title" }, title), ...inside);
    el.append(make("div", { className: "camlib-units" },
      make("div", { className: "bar" }, make("label", {}, "picture ", picture), make("label", {}, "layer ", layer), make("label", {}, "unit ", unit, number),
        make("label", { className: "own" }, "your picture", own)),
      said,
      make("div", { className: "body" }, block("its map", map, make("div", { className: "scale" }, low, ramp, high)),
        block("its best patches", patches), block("the answer", bars)),
      make("p", { className: "help" }, "Dark: with the unit. Pale: without it. Keys: Tab goes from one control to the next, arrows change it.")));

    const sheet = createImageBitmap(new Blob([model.get("sheet")]));
    let [pixels, turn] = [null, 0];

    function paint(heat, [lowest, highest]) {  // as camlib.show.overlays: the picture dark and grey, so that only heat is bright
      const image = new ImageData(size, size), { data } = image, slope = 255 / Math.max(highest - lowest, 1e-12);
      for (let n = 0; n < area; n++) {
        const share = Math.round((heat[n] - lowest) * slope);
        const grey = dim * (0.299 * pixels[n] + 0.587 * pixels[area + n] + 0.114 * pixels[2 * area + n]) * (1 - share / 255);
        data.set([0, 1, 2].map(c => grey + glow[3 * share + c]).concat(255), 4 * n);
      }
      map.getContext("2d").putImageData(image, 0, 0);
      [low.textContent, high.textContent] = [short(lowest), short(highest)];
    }
    async function cut(side, corners) {  // mid grey is what lies outside of the picture
      const [now, across] = [++turn, model.get("across")], scenes = await sheet;
      if (now !== turn) return;
      const [high, wide] = side;
      patches.replaceChildren(...corners.map(([place, x, y], n) => {
        const whole = make("canvas", { width: wide, height: high }), shown = make("canvas", { width: PATCH, height: PATCH });
        const [from, context] = [whole.getContext("2d"), shown.getContext("2d")];
        from.fillStyle = "rgb(128, 128, 128)";
        from.fillRect(0, 0, wide, high);
        const [left, top] = [Math.max(x, 0), Math.max(y, 0)], [w, h] = [Math.min(x + wide, size) - left, Math.min(y + high, size) - top];
        from.drawImage(scenes, place % across * size + left, Math.floor(place / across) * size + top, w, h, left - x, top - y, w, h);
        Object.assign(context, { imageSmoothingEnabled: wide > 30, imageSmoothingQuality: "high" });
        context.drawImage(whole, 0, 0, PATCH, PATCH);
        shown.setAttribute("role", "img");
        shown.setAttribute("aria-label", `patch ${n + 1} of ${corners.length}`);
        return shown;
      }));
    }
    function answers(was, now) {
      const shown = was.map((_, c) => c).sort((a, b) => Math.max(was[b], now[b]) - Math.max(was[a], now[a])).slice(0, CLASSES);
      bars.replaceChildren(...shown.map(c => make("div", { className: "row" }, make("span", { className: "name" }, net.classes[c]),
        ...[["with", was], ["without", now]].map(([name, answer]) => {
          const bar = make("i", { className: name });
          bar.style.width = `${100 * answer[c]}%`;
          return make("span", { className: "track", title: `${name} the unit` }, bar, make("span", { className: "value" }, percent(answer[c])));
        }))));
      return shown.map(c => `${net.classes[c]} ${percent(was[c])}, silenced ${percent(now[c])}`).join(", ");
    }
    function draw() {
      const [name, k] = [layer.value, Number(unit.value)], { side, units } = best[name];
      const was = softmax(net.run(pixels)), { c, h, w } = net.maps[name], cells = h * w;
      const heat = lay(net.values(net.maps[name]).subarray(k * cells, (k + 1) * cells), net.spec.fields[name], size);
      const now = softmax(net.run(pixels, { [name]: new Set([k]) })), top = was.indexOf(Math.max(...was));
      const ends = heat.reduce(([a, b], one) => [Math.min(a, one), Math.max(b, one)], [Infinity, -Infinity]);
      number.textContent = k;
      unit.setAttribute("aria-valuetext", `${k} of ${c}`);
      paint(heat, ends);
      cut(side, units[k]);
      const told = answers(was, now);
      said.textContent = `${name}, unit ${k}: without it ${net.classes[top]} goes from ${percent(was[top])} to ${percent(now[top])}`;
      map.setAttribute("aria-label", `A heatmap over ${picture.value}, ${ends.map(short).join(" to ")}. The answer: ${told}.`);
    }
    async function look() {
      const wanted = picture.value, found = await pixelsOf(pictures[wanted], size);
      if (wanted !== picture.value) return;
      pixels = found;
      draw();
    }
    async function take(file) {  // its middle square; it stays on this device
      if (!file) return;
      try {
        const image = await createImageBitmap(file), side = Math.min(image.width, image.height), page = make("canvas", { width: size, height: size });
        const context = Object.assign(page.getContext("2d"), { imageSmoothingQuality: "high" });
        context.drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, size, size);
        const name = `${Object.keys(pictures).length + 1}: ${file.name}`;
        pictures[name] = await new Promise(done => page.toBlob(done));
        picture.append(make("option", { value: name }, name));
        picture.value = name;
        await look();
      } catch {
        said.textContent = `${file.name} is no picture that the browser can read.`;
      }
    }
    own.onchange = () => { take(own.files[0]); own.value = ""; };
    const range = () => { unit.max = best[layer.value].units.length - 1; };
    picture.onchange = look;
    layer.onchange = () => { range(); draw(); };
    unit.oninput = draw;
    range();
    unit.value = firstUnit;
    const colours = new ImageData(256, 1), grey = 127.5 * model.get("dim");
    for (let n = 0; n < 256; n++) colours.data.set([0, 1, 2].map(c => grey * (1 - n / 255) + glow[3 * n + c]).concat(255), 4 * n);
    ramp.getContext("2d").putImageData(colours, 0, 0);
    look();
  }

  frontEnd("units", render);
})();
