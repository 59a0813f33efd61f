// The front end of camlib.SquareExplorer, for anywidget: a picture with a square to drag, and bars.
// One question at a time: while the network answers, moves only move the square; the last one is asked next.

const WIDE = 384;  // the picture's width on the page, in CSS pixels

function make(tag, props = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
}

function render({ model, el }) {
  const [height, width] = model.get("_size");
  const scale = WIDE / width;
  const [shown, behind] = [new Image(), new Image()];
  const canvas = make("canvas", { width: WIDE, height: Math.round(height * scale), tabIndex: 0 });
  const menu = key => make("select", {}, ...model.get(key).map(name => make("option", { value: name }, name)));
  const [picture, fill] = [menu("_pictures"), menu("_fills")];
  const size = make("input", { type: "range", min: 2, max: Math.min(height, width), step: 1 });
  const [bars, spoken] = [make("div", { className: "bars" }), make("div", { className: "unseen" })];
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "The picture with the square; arrow keys move it, plus and minus resize it.");
  spoken.setAttribute("aria-live", "polite");
  el.append(make("div", { className: "camlib-square" },
    make("div", { className: "bar" }, make("label", {}, "picture ", picture), make("label", {}, "square ", size),
      make("label", {}, "fill ", fill)),
    make("div", { className: "body" }, canvas, bars),
    make("p", { className: "help" }, "Drag the square. Keys: arrows move it (with Shift by a pixel), + and − resize it. "
      + "Pale: without the square."), spoken));

  let [x, y, side, waiting, dirty] = [model.get("x"), model.get("y"), model.get("side"), 0, false];
  const address = { _shown: "", _behind: "" };
  const fetched = (image, key) => {
    URL.revokeObjectURL(address[key]);
    address[key] = URL.createObjectURL(new Blob([model.get(key)], { type: "image/png" }));
    image.onload = paint;
    image.src = address[key];
  };

  function paint() {
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    if (shown.complete && shown.naturalWidth) context.drawImage(shown, 0, 0, canvas.width, canvas.height);
    const [left, top] = [Math.max(x, 0), Math.max(y, 0)];
    const [wide, high] = [Math.min(x + side, width) - left, Math.min(y + side, height) - top];
    if (behind.complete && behind.naturalWidth) {
      context.drawImage(behind, left, top, wide, high, left * scale, top * scale, wide * scale, high * scale);
    }
    for (const [colour, thick] of [["black", 4], ["white", 2]]) {
      [context.strokeStyle, context.lineWidth] = [colour, thick];
      context.strokeRect(left * scale, top * scale, wide * scale, high * scale);
    }
  }
  function answer() {
    const rows = model.get("rows");
    const best = rows.reduce((found, row) => (row[2] > found[2] ? row : found), rows[0]);
    bars.replaceChildren(...rows.map(([name, before, after]) => {
      const [was, now] = [make("i", { className: "was" }), make("i", { className: "now" })];
      [was.style.width, now.style.width] = [`${100 * before}%`, `${100 * after}%`];
      const row = make("div", { className: name === best[0] ? "row best" : "row" },
        make("span", { className: "name", title: name }, name), make("span", { className: "track" }, was, now),
        make("span", { className: "value" }, `${Math.round(100 * after)}%`));
      return row;
    }));
    canvas.title = `${best[0]} ${Math.round(100 * best[2])}%`;
  }
  const say = () => {
    const best = model.get("rows").reduce((found, row) => (row[2] > found[2] ? row : found));
    spoken.textContent = `${best[0]} ${Math.round(100 * best[2])} percent`;
  };
  const send = () => {
    if (x === model.get("x") && y === model.get("y") && side === model.get("side")) return;
    if (waiting) { dirty = true; return; }
    model.set({ x, y, side });
    waiting = setTimeout(free, 1000);  // should the answer be the same, none comes
    model.save_changes();
  };
  const free = () => {
    clearTimeout(waiting);
    [waiting, dirty] = [0, false];
    send();
  };
  const move = (newX, newY, newSide = side) => {
    side = Math.min(Math.max(newSide, 2), height, width);
    x = Math.round(Math.min(Math.max(newX, 1 - side), width - 1));
    y = Math.round(Math.min(Math.max(newY, 1 - side), height - 1));
    size.value = side;
    paint();
    send();
  };
  const drag = event => {
    if (!event.buttons) return;
    const box = canvas.getBoundingClientRect();
    move((event.clientX - box.left) / box.width * width - side / 2, (event.clientY - box.top) / box.height * height - side / 2);
  };
  const resize = to => move(x + (side - to) / 2, y + (side - to) / 2, to);
  canvas.onpointerdown = event => { canvas.setPointerCapture(event.pointerId); drag(event); };
  canvas.onpointermove = drag;
  canvas.onpointerup = say;
  canvas.onkeydown = event => {
    const step = event.shiftKey ? 1 : 4;
    const keys = {
      ArrowLeft: () => move(x - step, y), ArrowRight: () => move(x + step, y),
      ArrowUp: () => move(x, y - step), ArrowDown: () => move(x, y + step),
      "+": () => resize(side + 2), "=": () => resize(side + 2), "-": () => resize(side - 2),
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();  // or the notebook takes the key for a command of its own
    keys[event.key]();
  };
  canvas.onkeyup = say;
  size.oninput = () => resize(Number(size.value));
  picture.onchange = () => { model.set("picture", picture.value); model.save_changes(); };
  fill.onchange = () => { model.set("fill", fill.value); model.save_changes(); };

  // ---- what changes from outside
  const follow = () => {
    if (waiting) return;
    [x, y, side] = [model.get("x"), model.get("y"), model.get("side")];
    [size.value, picture.value, fill.value] = [side, model.get("picture"), model.get("fill")];
    paint();
  };
  const rows = () => { answer(); if (waiting) free(); };
  const [newShown, newBehind] = [() => fetched(shown, "_shown"), () => fetched(behind, "_behind")];
  const watched = { "change:x": follow, "change:y": follow, "change:side": follow, "change:picture": follow,
    "change:fill": follow, "change:rows": rows, "change:_shown": newShown, "change:_behind": newBehind };
  for (const [event, act] of Object.entries(watched)) model.on(event, act);
  newShown();
  newBehind();
  follow();
  answer();
  return () => {
    clearTimeout(waiting);
    for (const [event, act] of Object.entries(watched)) model.off(event, act);
    Object.values(address).forEach(one => URL.revokeObjectURL(one));
  };
}

export default { render };
