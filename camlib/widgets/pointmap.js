// The front end of camlib.PointMap, for anywidget: a map of points on a canvas, nothing loaded from elsewhere.
// Hover or arrow keys: a point's picture and facts. Drag: select those inside the line. Shift: add to them.

const MOST = 400;      // pictures of a selection that are shown
const NEAR = 16;       // how far the pointer may be from a point, in CSS pixels
const THUMB = 52;      // a selected picture's side
const MARGIN = 18;

function make(tag, props = {}, ...children) {
  const { dataset = {}, ...rest } = props;
  const node = Object.assign(document.createElement(tag), rest);
  Object.assign(node.dataset, dataset);
  node.append(...children);
  return node;
}

// The marks are matplotlib's: o s ^ v < > D P X *
function path(context, mark, x, y, r) {
  const polygon = corners => corners.forEach(([dx, dy], i) =>
    context[i ? "lineTo" : "moveTo"](x + dx * r, y + dy * r));
  const turned = (corners, [a, b, c, d]) => corners.map(([dx, dy]) => [a * dx + b * dy, c * dx + d * dy]);
  const up = [[0, -1], [1, 0.9], [-1, 0.9]];
  const w = 0.36;
  const plus = [[-w, -1], [w, -1], [w, -w], [1, -w], [1, w], [w, w], [w, 1], [-w, 1], [-w, w], [-1, w], [-1, -w], [-w, -w]];
  const star = [...Array(10).keys()].map(i => {
    const [far, angle] = [i % 2 ? 0.5 : 1.15, (i * Math.PI) / 5];
    return [far * Math.sin(angle), -far * Math.cos(angle)];
  });
  const s = Math.SQRT1_2;
  context.beginPath();
  if (mark === "s") context.rect(x - 0.85 * r, y - 0.85 * r, 1.7 * r, 1.7 * r);
  else if (mark === "^") polygon(up);
  else if (mark === "v") polygon(turned(up, [1, 0, 0, -1]));
  else if (mark === "<") polygon(turned(up, [0, 1, 1, 0]));
  else if (mark === ">") polygon(turned(up, [0, -1, 1, 0]));
  else if (mark === "D") polygon([[0, -1.1], [1.1, 0], [0, 1.1], [-1.1, 0]]);
  else if (mark === "P") polygon(plus);
  else if (mark === "X") polygon(turned(plus, [s, -s, s, s]));
  else if (mark === "*") polygon(star);
  else context.arc(x, y, r, 0, 2 * Math.PI);
  context.closePath();
}

function inside(line, x, y) {
  let odd = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [line[i], line[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

function short(number) {
  return Number.isInteger(number) ? String(number) : String(Number(number.toPrecision(3)));
}

function render({ model, el }) {
  const bytes = model.get("_points");
  const xy = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const [count, facts, side] = [xy.length / 2, model.get("_facts"), model.get("_side")];
  const columns = Math.ceil(Math.sqrt(count));
  const address = URL.createObjectURL(new Blob([model.get("_sheet")], { type: "image/jpeg" }));
  const sheet = new Image();

  // ---- the page
  const menu = make("select", { ariaLabel: "colour by" }, ...facts.map(f => make("option", { value: f.name }, f.name)));
  const shown = make("input", { type: "checkbox" });
  const [closer, whole, clear] = ["zoom to selected", "whole map", "clear"].map(text => make("button", { type: "button" }, text));
  const [base, over, photo] = [make("canvas", { className: "base" }), make("canvas", { className: "over", tabIndex: 0 }), make("canvas")];
  const plane = make("div", { className: "plane" }, base, over);
  const [name, list] = [make("p", {}, "hover a point"), make("dl")];
  const card = make("div", { className: "card" }, photo, name, list);
  const [legend, tray] = [make("div", { className: "legend" }), make("div", { className: "tray" })];
  const [state, spoken] = [make("span", { className: "state" }), make("div", { className: "unseen" })];
  const root = make("div", { className: "camlib-map" },
    make("h3", {}, model.get("_title")),
    make("div", { className: "bar" }, make("label", {}, "colour by ", menu), make("label", {}, shown, " pictures"), closer, whole, clear, state),
    make("div", { className: "body" }, plane, card), legend, tray,
    make("p", { className: "help" }, "Hover: the picture. Drag: draw round points (Shift adds). Ctrl and wheel: zoom. "
      + "Keys: arrows go from point to point, Space selects, Escape clears, + and − zoom, 0 the whole map."), spoken);
  over.setAttribute("role", "application");
  over.setAttribute("aria-label", `${model.get("_title")}. A map of ${count} pictures; arrow keys go from one to the next.`);
  photo.setAttribute("role", "img");
  spoken.setAttribute("aria-live", "polite");
  tray.setAttribute("aria-label", "selected pictures");
  el.append(root);

  // ---- where things are
  let [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity];
  const bounds = numbers => {
    [left, bottom, right, top] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const i of numbers) {
      [left, right] = [Math.min(left, xy[2 * i]), Math.max(right, xy[2 * i])];
      [bottom, top] = [Math.min(bottom, xy[2 * i + 1]), Math.max(top, xy[2 * i + 1])];
    }
  };
  const all = [...Array(count).keys()];
  let [centre, scale, wide, high, at, line, adding] = [[0, 0], 1, 0, 0, -1, null, false];
  const place = i => [(xy[2 * i] - centre[0]) * scale + wide / 2, (centre[1] - xy[2 * i + 1]) * scale + high / 2];
  const fit = numbers => {
    bounds(numbers);
    const room = [wide - 2 * MARGIN, high - 2 * MARGIN];
    const fits = Math.min(room[0] / Math.max(right - left, 1e-9), room[1] / Math.max(top - bottom, 1e-9));
    scale = numbers.length > 1 && fits < 1e8 ? fits : numbers.length < count ? scale : 1;
    centre = [(left + right) / 2, (bottom + top) / 2];
    paint();
  };
  const zoom = (factor, x = wide / 2, y = high / 2) => {
    const [mx, my] = [(x - wide / 2) / scale + centre[0], centre[1] - (y - high / 2) / scale];
    scale *= factor;
    centre = [mx - (x - wide / 2) / scale, my + (y - high / 2) / scale];
    paint();
  };
  const fact = () => facts.find(f => f.name === model.get("by")) || facts[0];
  const said = (f, i) => (f.names.length ? f.names[f.values[i]] : short(f.values[i]));
  const limits = f => [f.values.reduce((a, b) => Math.min(a, b)), f.values.reduce((a, b) => Math.max(a, b))];

  // ---- drawing
  const style = key => getComputedStyle(root).getPropertyValue(key).trim() || "#808080";
  const begin = canvas => {
    const dots = window.devicePixelRatio || 1;
    [canvas.width, canvas.height] = [Math.round(wide * dots), Math.round(high * dots)];
    const context = canvas.getContext("2d");
    context.setTransform(dots, 0, 0, dots, 0, 0);
    return context;
  };
  const thumbnail = (context, i, x, y, size) =>
    context.drawImage(sheet, (i % columns) * side, Math.floor(i / columns) * side, side, side, x, y, size, size);
  function paint() {
    if (!wide) return;
    const [context, f, chosen] = [begin(base), fact(), new Set(model.get("selected"))];
    const [low, highest] = f.names.length ? [0, 0] : limits(f);
    const visible = all.filter(i => { const [x, y] = place(i); return x > -50 && y > -50 && x < wide + 50 && y < high + 50; });
    const room = Math.sqrt((wide * high) / Math.max(visible.length, 1));
    const [r, size] = [Math.min(9, Math.max(3, room * 0.2)), Math.min(side, Math.max(20, room * 0.7))];
    context.lineWidth = 0.8;
    for (const later of [false, true]) {
      for (const i of visible.filter(i => chosen.has(i) === later)) {
        const [x, y] = place(i);
        const k = f.names.length ? f.values[i] : Math.round(((f.values[i] - low) / (highest - low || 1)) * (f.colours.length - 1));
        context.globalAlpha = chosen.size && !later ? 0.3 : 1;
        if (shown.checked && sheet.complete) {
          thumbnail(context, i, x - size / 2, y - size / 2, size);
          for (const [colour, thick] of [[style("--ink"), 4], [f.colours[k], 2.5]]) {  // legible on any page
            [context.strokeStyle, context.lineWidth] = [colour, thick];
            context.strokeRect(x - size / 2, y - size / 2, size, size);
          }
          continue;
        }
        path(context, f.names.length ? f.marks[k] : "o", x, y, r);
        [context.fillStyle, context.strokeStyle] = [f.colours[k], style("--ink")];
        context.fill();
        context.stroke();
      }
    }
    overlay();
  }
  function overlay() {
    const context = begin(over);
    context.strokeStyle = style("--mark");
    if (at >= 0) {
      context.lineWidth = 3;
      context.beginPath();
      context.arc(...place(at), 11, 0, 2 * Math.PI);
      context.stroke();
    }
    if (line) {
      context.lineWidth = 2;
      context.setLineDash([6, 4]);
      context.beginPath();
      line.forEach(([x, y], i) => context[i ? "lineTo" : "moveTo"](x, y));
      context.closePath();
      context.stroke();
      [context.globalAlpha, context.fillStyle] = [0.12, style("--mark")];
      context.fill();
    }
  }
  function point(i) {  // show a point's picture and facts
    if (i === at) return;
    at = i;
    overlay();
    if (i < 0) return;
    [photo.width, photo.height] = [192 * (window.devicePixelRatio || 1), 192 * (window.devicePixelRatio || 1)];
    const context = photo.getContext("2d");
    context.imageSmoothingQuality = "high";
    thumbnail(context, i, 0, 0, photo.width);
    name.textContent = `picture ${i}`;
    list.replaceChildren(...facts.flatMap(f => [make("dt", {}, f.name), make("dd", {}, said(f, i))]));
    const words = `picture ${i}: ${facts.map(f => `${f.name} ${said(f, i)}`).join(", ")}`;
    photo.setAttribute("aria-label", words);
    spoken.textContent = words;
  }
  function key() {  // the legend, with how many of each are selected
    const [f, chosen] = [fact(), model.get("selected")];
    if (!f.names.length) {
      const [low, highest] = limits(f);
      const mean = numbers => short(numbers.reduce((sum, i) => sum + f.values[i], 0) / numbers.length);
      const ramp = make("span", { className: "ramp" });
      ramp.style.background = `linear-gradient(to right, ${f.colours.filter((_, i) => i % 15 === 0).join(", ")})`;
      const text = `mean ${mean(all)}${chosen.length ? `, of the selected ${mean(chosen)}` : ""}`;
      legend.replaceChildren(short(low), ramp, short(highest), make("span", {}, `· ${text}`));
      return;
    }
    const [total, mine] = [f.names.map(() => 0), f.names.map(() => 0)];
    f.values.forEach(k => total[k]++);
    chosen.forEach(i => mine[f.values[i]]++);
    legend.replaceChildren(...f.names.map((text, k) => {
      const swatch = make("canvas", { width: 28, height: 28 });
      const context = swatch.getContext("2d");
      path(context, f.marks[k], 14, 14, 10);
      [context.fillStyle, context.strokeStyle] = [f.colours[k], style("--ink")];
      context.fill();
      context.stroke();
      const number = chosen.length ? `${mine[k]} of ${total[k]}` : total[k];
      const one = make("button", { type: "button", title: `select every ${f.name} ${text}` }, swatch, `${text}: ${number}`);
      one.onclick = () => select(all.filter(i => f.values[i] === k), false);
      return one;
    }));
  }
  function pick() {  // the selection changed
    const chosen = model.get("selected");
    const items = chosen.slice(0, MOST).map(i => {
      const one = make("button", { type: "button", ariaLabel: `picture ${i}, ${said(fact(), i)}`, dataset: { number: i } });
      one.style.backgroundImage = `url(${address})`;
      one.style.backgroundSize = `${columns * THUMB}px auto`;
      one.style.backgroundPosition = `-${(i % columns) * THUMB}px -${Math.floor(i / columns) * THUMB}px`;
      one.onmouseenter = one.onfocus = () => point(i);
      return one;
    });
    tray.replaceChildren(...items);
    const more = chosen.length > MOST ? `, ${MOST} shown` : "";
    state.textContent = chosen.length ? `${chosen.length} of ${count} selected${more}` : `${count} pictures`;
    closer.disabled = clear.disabled = !chosen.length;
    key();
    paint();
  }
  const select = (numbers, add) => {
    const chosen = [...new Set(add ? [...model.get("selected"), ...numbers] : numbers)].sort((a, b) => a - b);
    model.set("selected", chosen);
    model.save_changes();
    spoken.textContent = `${chosen.length} of ${count} selected`;
  };

  // ---- the hand
  const where = event => { const box = over.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  const nearest = (x, y, most) => {
    let [best, found] = [most * most, -1];
    for (const i of all) {
      const [px, py] = place(i);
      const away = (px - x) ** 2 + (py - y) ** 2;
      if (away < best) [best, found] = [away, i];
    }
    return found;
  };
  over.onpointerdown = event => {
    if (event.button) return;
    over.setPointerCapture(event.pointerId);
    [line, adding] = [[where(event)], event.shiftKey];
  };
  over.onpointermove = event => {
    const [x, y] = where(event);
    if (!line) return point(nearest(x, y, NEAR));
    line.push([x, y]);
    overlay();
  };
  over.onpointerup = event => {
    if (!line) return;
    const drawn = line;
    line = null;
    const [xs, ys] = [drawn.map(p => p[0]), drawn.map(p => p[1])];
    const moved = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) > 5;
    const hit = nearest(...where(event), NEAR);
    if (hit >= 0 && !moved) point(hit);
    select(moved ? all.filter(i => inside(drawn, ...place(i))) : hit >= 0 ? [hit] : [], adding);
    overlay();
  };
  over.onpointercancel = () => { line = null; overlay(); };
  over.onpointerleave = () => { if (!line) point(-1); };
  over.addEventListener("wheel", event => {
    if (!event.ctrlKey && !event.metaKey) return;  // the wheel alone scrolls the page
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 300), ...where(event));
  }, { passive: false });
  const step = (dx, dy) => {  // to the nearest point in that direction
    if (at < 0) return point(nearest(wide / 2, high / 2, Infinity));
    const [x, y] = place(at);
    let [best, found] = [Infinity, at];
    for (const i of all) {
      const [px, py] = place(i);
      const [along, across] = [(px - x) * dx + (py - y) * dy, (px - x) * dy - (py - y) * dx];
      const cost = along > 0.5 ? along + 2 * Math.abs(across) : Infinity;
      if (cost < best) [best, found] = [cost, i];
    }
    const [nx, ny] = place(found);
    if (nx < 0 || ny < 0 || nx > wide || ny > high) {
      centre = [xy[2 * found], xy[2 * found + 1]];
      paint();
    }
    point(found);
  };
  const keys = {
    ArrowLeft: () => step(-1, 0), ArrowRight: () => step(1, 0), ArrowUp: () => step(0, -1), ArrowDown: () => step(0, 1),
    " ": () => {
      const chosen = model.get("selected");
      if (at >= 0) select(chosen.includes(at) ? chosen.filter(i => i !== at) : [...chosen, at], false);
    },
    Escape: () => { line = null; select([], false); },
    "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: () => fit(all),
  };
  over.onkeydown = event => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();  // or the notebook takes the key for a command of its own
    keys[event.key]();
  };
  menu.onchange = () => { model.set("by", menu.value); model.save_changes(); };
  shown.onchange = paint;
  closer.onclick = () => fit(model.get("selected"));
  whole.onclick = () => fit(all);
  clear.onclick = () => select([], false);

  // ---- what changes from outside
  const recolour = () => { menu.value = fact().name; pick(); };
  model.on("change:selected", pick);
  model.on("change:by", recolour);
  const resized = new ResizeObserver(() => {
    const first = !wide;
    [wide, high] = [plane.clientWidth, plane.clientHeight];
    if (first) fit(all);
    else paint();
  });
  resized.observe(plane);
  const themed = new MutationObserver(() => { key(); paint(); });
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  sheet.onload = paint;
  sheet.src = address;
  recolour();
  return () => {
    resized.disconnect();
    themed.disconnect();
    model.off("change:selected", pick);
    model.off("change:by", recolour);
    URL.revokeObjectURL(address);
  };
}

export default { render };
