// The front end of camlib.PointMap, for anywidget: a map of points on a canvas, nothing loaded from elsewhere.
// Hover or arrow keys: a point's picture and facts. Drag: move the map, or select those inside the line.
// Click: select a picture and, where codes were given, its nearest. On a page of its own the wheel alone zooms.

const MOST = 400;      // pictures of a selection that are shown
const NEAR = 16;       // how far the pointer may be from a point, in CSS pixels
const THUMB = [52, 88];  // a selected picture's side in a notebook, on a page of its own
const MARGIN = 18;
const NAMED = 90;      // pictures larger than this, in CSS pixels, are not written over

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
  const numbers = (name, Kind) => {
    const bytes = model.get(name);
    return new Kind(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  };
  const [points, cells, nearby] = [numbers("_points", Float32Array), numbers("_cells", Float32Array), numbers("_nearest", Int32Array)];
  const [count, facts, side] = [points.length / 2, model.get("_facts"), model.get("_side")];
  const alone = document.body.classList.contains("alone");  // a page of its own
  const thumb = THUMB[Number(alone)];
  const columns = Math.ceil(Math.sqrt(count));
  const address = URL.createObjectURL(new Blob([model.get("_sheet")], { type: "image/jpeg" }));
  const sheet = new Image();

  // ---- the page
  const menu = make("select", { ariaLabel: "colour by" }, ...facts.map(f => make("option", { value: f.name }, f.name)));
  const [shown, poster, moves] = [0, 1, 2].map(() => make("input", { type: "checkbox", checked: cells.length > 0 }));
  const [closer, whole, clear] = ["zoom to selected", "whole map", "clear"].map(text => make("button", { type: "button" }, text));
  const [base, over, photo] = [make("canvas", { className: "base" }), make("canvas", { className: "over", tabIndex: 0 }), make("canvas")];
  const plane = make("div", { className: "plane" }, base, over);
  const [name, list] = [make("p", {}, "hover a point"), make("dl")];
  const card = make("div", { className: "card" }, photo, name, list);
  const [legend, tray] = [make("div", { className: "legend" }), make("div", { className: "tray" })];
  const [state, spoken] = [make("span", { className: "state" }), make("div", { className: "unseen" })];
  const root = make("div", { className: "camlib-map" },
    make("h3", {}, model.get("_title")),
    make("div", { className: "bar" }, make("label", {}, "colour by ", menu), make("label", {}, shown, " pictures"),
      ...(cells.length ? [make("label", {}, poster, " as a poster")] : []), make("label", {}, moves, " drag moves the map"), closer, whole, clear, state),
    make("div", { className: "body" }, plane, card), legend, tray,
    make("p", { className: "help" }, `Hover: the picture. Click: ${nearby.length ? "its nearest by their codes light up" : "select it"}. `
      + `Drag: draw round points (Shift adds), or move the map. ${alone ? "Wheel" : "Ctrl and wheel"}: zoom. `
      + `Keys: arrows go from point to point, ${nearby.length ? "Enter asks for its nearest, " : ""}Space selects, Escape clears, + and − zoom, 0 the whole map.`), spoken);
  over.setAttribute("role", "application");
  over.setAttribute("aria-label", `${model.get("_title")}. A map of ${count} pictures; arrow keys go from one to the next.`);
  photo.setAttribute("role", "img");
  photo.setAttribute("aria-label", "no picture yet");
  spoken.setAttribute("aria-live", "polite");
  tray.setAttribute("role", "group");
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
  let [xy, there] = [points, all];  // the layout, and who is in it
  const lay = () => {
    xy = poster.checked && cells.length ? cells : points;
    there = all.filter(present);
  };
  const present = i => Number.isFinite(xy[2 * i]);
  const nearestTo = i => [...nearby.slice((i * nearby.length) / count, ((i + 1) * nearby.length) / count)];
  let [asked, grip, fingers] = [-1, null, new Map()];  // whose nearest are shown; where the hand holds the map
  let [centre, scale, wide, high, at, line, adding] = [[0, 0], 1, 0, 0, -1, null, false];
  const place = i => [(xy[2 * i] - centre[0]) * scale + wide / 2, (centre[1] - xy[2 * i + 1]) * scale + high / 2];
  const fit = numbers => {
    bounds(numbers.filter(present));
    const room = [wide - 2 * MARGIN, high - 2 * MARGIN];
    const more = xy === cells ? 1 : 1e-9;  // a picture's own width
    const fits = Math.min(room[0] / Math.max(right - left + more, 1e-9), room[1] / Math.max(top - bottom + more, 1e-9));
    scale = numbers.length > 1 && fits < 1e8 ? fits : numbers.length < there.length ? scale : 1;
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
    const edge = xy === cells ? scale : 50;
    const visible = there.filter(i => { const [x, y] = place(i); return x > -edge && y > -edge && x < wide + edge && y < high + edge; });
    const room = Math.sqrt((wide * high) / Math.max(visible.length, 1));
    const r = Math.min(9, Math.max(3, room * 0.2));
    const size = xy === cells ? 0.9 * scale : Math.min(side, Math.max(20, room * 0.7));
    const frames = xy === cells ? [["", Math.max(1, 0.1 * scale)]] : [[style("--ink"), 4], ["", 2.5]];  // "": the fact's
    context.imageSmoothingQuality = "high";
    context.lineWidth = 0.8;
    for (const later of [false, true]) {
      for (const i of visible.filter(i => chosen.has(i) === later)) {
        const [x, y] = place(i);
        const k = f.names.length ? f.values[i] : Math.round(((f.values[i] - low) / (highest - low || 1)) * (f.colours.length - 1));
        context.globalAlpha = chosen.size && !later ? 0.3 : 1;
        if (shown.checked && sheet.complete) {
          thumbnail(context, i, x - size / 2, y - size / 2, size);
          for (const [colour, thick] of frames) {  // legible on any page
            [context.strokeStyle, context.lineWidth] = [colour || f.colours[k], thick];
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
    names(context, f, size);
    overlay();
  }
  function names(context, f, size) {  // of a poster's regions, over them
    if (xy !== cells || size > NAMED) return;
    const [columns, rows] = [0, 1].map(k => 1 + there.reduce((most, i) => Math.max(most, Math.abs(cells[2 * i + k])), 0));
    Object.assign(context, { font: "bold 17px system-ui, sans-serif", textAlign: "center", textBaseline: "middle" });
    Object.assign(context, { globalAlpha: 1, strokeStyle: "black", fillStyle: "white", lineWidth: 4, lineJoin: "round" });
    for (const [text, across, down] of f.spots) {
      const x = (across * columns - 0.5 - centre[0]) * scale + wide / 2;
      const y = (centre[1] + down * rows - 0.5) * scale + high / 2;
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    }
  }
  function overlay() {
    const context = begin(over);
    context.strokeStyle = style("--mark");
    if (asked >= 0) {  // from the picture that was asked about to its nearest
      for (const i of nearestTo(asked)) {
        if (!present(i) || !present(asked)) continue;
        context.beginPath();
        context.moveTo(...place(asked));
        context.lineTo(...place(i));
        for (const [colour, thick] of [["white", 4], ["black", 1.5]]) {
          [context.strokeStyle, context.lineWidth] = [colour, thick];
          context.stroke();
        }
      }
      context.strokeStyle = style("--mark");
    }
    if (at >= 0 && present(at)) {
      context.lineWidth = 3;
      context.beginPath();
      const [x, y] = place(at);
      if (xy === cells) context.rect(x - scale / 2, y - scale / 2, scale, scale);
      else context.arc(x, y, 11, 0, 2 * Math.PI);
      context.stroke();
    }
    if (line && !grip) {
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
    const answer = asked < 0 ? [] : [asked, ...nearestTo(asked)];
    if (answer.length !== chosen.length || !answer.every(i => chosen.includes(i))) asked = -1;  // selected by other means
    const items = (asked < 0 ? chosen : answer).slice(0, MOST).map(i => {
      const one = make("button", { type: "button", ariaLabel: `picture ${i}, ${said(fact(), i)}`, dataset: { number: i } });
      one.style.backgroundImage = `url(${address})`;
      one.style.backgroundSize = `${columns * thumb}px auto`;
      one.style.backgroundPosition = `-${(i % columns) * thumb}px -${Math.floor(i / columns) * thumb}px`;
      one.onmouseenter = one.onfocus = () => point(i);
      return one;
    });
    tray.replaceChildren(...items);
    const more = chosen.length > MOST ? `, ${MOST} shown` : "";
    if (asked >= 0) state.textContent = `picture ${asked}, then its ${answer.length - 1} nearest by their codes`;
    else state.textContent = chosen.length ? `${chosen.length} of ${count} selected${more}` : `${count} pictures`;
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
  const ask = i => {  // light up a picture and its nearest
    asked = i;
    select([i, ...nearestTo(i)], false);
    pick();  // they may have been selected before
    const alike = fact().names.length ? nearestTo(i).filter(n => fact().values[n] === fact().values[i]).length : 0;
    const told = fact().names.length ? `, ${alike} of them ${said(fact(), i)}` : "";
    spoken.textContent = `picture ${i} and its ${nearestTo(i).length} nearest${told}`;
  };

  // ---- the hand
  const where = event => {  // a deck shows it scaled
    const box = over.getBoundingClientRect();
    return [(event.clientX - box.left) * wide / box.width, (event.clientY - box.top) * high / box.height];
  };
  const nearest = (x, y, most) => {
    let [best, found] = [most * most, -1];
    for (const i of there) {
      const [px, py] = place(i);
      const away = (px - x) ** 2 + (py - y) ** 2;
      if (away < best) [best, found] = [away, i];
    }
    return found;
  };
  const reach = () => (xy === cells ? Math.max(NEAR, 0.7 * scale) : NEAR);
  const apart = () => { const [[ax, ay], [bx, by]] = [...fingers.values()]; return Math.hypot(ax - bx, ay - by); };
  over.onpointerdown = event => {
    if (event.button > 1) return;
    over.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, where(event));
    grip = moves.checked || event.altKey || event.button === 1 ? where(event) : null;
    [line, adding] = [fingers.size > 1 ? null : [where(event)], event.shiftKey];
  };
  over.onpointermove = event => {
    const [x, y] = where(event);
    if (fingers.size > 1) {  // two fingers
      const before = apart();
      fingers.set(event.pointerId, [x, y]);
      const [[ax, ay], [bx, by]] = [...fingers.values()];
      line = null;
      return zoom(apart() / Math.max(before, 1), (ax + bx) / 2, (ay + by) / 2);
    }
    if (grip) {
      centre = [centre[0] - (x - grip[0]) / scale, centre[1] + (y - grip[1]) / scale];
      grip = [x, y];
      if (line) line.push([x, y]);
      return paint();
    }
    if (!line) return point(nearest(x, y, reach()));
    line.push([x, y]);
    overlay();
  };
  over.onpointerup = event => {
    fingers.delete(event.pointerId);
    const held = grip !== null;
    grip = held && fingers.size ? [...fingers.values()][0] : null;
    if (!line) return;
    const drawn = line;
    line = null;
    const [xs, ys] = [drawn.map(p => p[0]), drawn.map(p => p[1])];
    const moved = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)) > 5;
    if (moved && held) return overlay();
    const hit = nearest(...where(event), reach());
    if (hit >= 0 && !moved) point(hit);
    if (hit >= 0 && !moved && nearby.length && !adding) return ask(hit);
    select(moved ? there.filter(i => inside(drawn, ...place(i))) : hit >= 0 ? [hit] : [], adding);
    overlay();
  };
  over.onpointercancel = event => { fingers.delete(event.pointerId); [line, grip] = [null, null]; overlay(); };
  over.onpointerleave = () => { if (!line) point(-1); };
  over.addEventListener("wheel", event => {
    if (!alone && !event.ctrlKey && !event.metaKey) return;  // the wheel alone scrolls the notebook
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 300), ...where(event));
  }, { passive: false });
  const step = (dx, dy) => {  // to the nearest point in that direction
    if (at < 0) return point(nearest(wide / 2, high / 2, Infinity));
    const [x, y] = place(at);
    let [best, found] = [Infinity, at];
    for (const i of there) {
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
    Enter: () => { if (at >= 0 && nearby.length) ask(at); },
    " ": () => {
      const chosen = model.get("selected");
      if (at >= 0) select(chosen.includes(at) ? chosen.filter(i => i !== at) : [...chosen, at], false);
    },
    Escape: () => { line = null; select([], false); },
    "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: () => fit(there),
  };
  over.onkeydown = event => {
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();  // or the notebook takes the key for a command of its own
    keys[event.key]();
  };
  menu.onchange = () => { model.set("by", menu.value); model.save_changes(); };
  shown.onchange = paint;
  poster.onchange = () => { lay(); fit(there); };
  moves.onchange = () => { over.style.cursor = moves.checked ? "grab" : "crosshair"; };
  closer.onclick = () => fit(model.get("selected"));
  whole.onclick = () => fit(there);
  clear.onclick = () => select([], false);

  // ---- what changes from outside
  const recolour = () => { menu.value = fact().name; pick(); };
  model.on("change:selected", pick);
  model.on("change:by", recolour);
  const resized = new ResizeObserver(() => {
    const first = !wide;
    [wide, high] = [plane.clientWidth, plane.clientHeight];
    if (first) fit(there);
    else paint();
  });
  resized.observe(plane);
  const themed = new MutationObserver(() => { key(); paint(); });
  themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "data-theme", "class"] });
  lay();
  moves.onchange();
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
