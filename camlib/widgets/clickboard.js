// The front end of camlib.ClickBoard, for anywidget: pictures, and a point to be told in each.

const WIDE = 240, HIGH = 300;  // a picture's largest width and height on the page, in CSS pixels

function make(tag, props = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
}

function render({ model, el }) {
  const [sizes, question, sharp] = [model.get("_sizes"), model.get("_question"), window.devicePixelRatio || 1];
  const [told, spoken] = [make("span"), make("div", { className: "unseen" })];
  const again = make("button", { type: "button", textContent: "start again" });
  spoken.setAttribute("aria-live", "polite");

  const points = () => model.get("_points");
  const tell = (number, point) => {
    model.set("_points", points().map((old, k) => (k === number ? point : old)));
    model.save_changes();
  };
  const boards = sizes.map(([height, width], number) => {
    const scale = Math.min(WIDE / width, HIGH / height);
    const canvas = make("canvas", { width: Math.round(width * scale * sharp), height: Math.round(height * scale * sharp), tabIndex: 0 });
    Object.assign(canvas.style, { width: `${Math.round(width * scale)}px` });
    canvas.setAttribute("role", "application");
    const image = new Image();
    let [cursor, held] = [null, null];  // where the arrow keys have brought it; where the mouse drags the point

    const mark = (context, [x, y]) => {
      const at = [(x + 0.5) * scale * sharp, (y + 0.5) * scale * sharp];  // a pixel's centre is a whole number
      for (const [colour, thick] of [["black", 5], ["#ffd400", 2.5]]) {
        context.beginPath();
        context.arc(...at, 6 * sharp, 0, 7);
        [context.strokeStyle, context.lineWidth] = [colour, thick * sharp];
        context.stroke();
      }
      [context.fillStyle] = ["#ffd400"];
      context.fillRect(at[0] - sharp, at[1] - sharp, 2 * sharp, 2 * sharp);
    };
    const paint = () => {
      const [context, point] = [canvas.getContext("2d"), held || points()[number]];
      context.imageSmoothingEnabled = scale < 2;
      if (image.complete && image.naturalWidth) context.drawImage(image, 0, 0, canvas.width, canvas.height);
      if (point.length) mark(context, point);
      if (cursor && document.activeElement === canvas) {
        const at = cursor.map(one => (one + 0.5) * scale * sharp);
        for (const [colour, thick] of [["black", 3], ["white", 1]]) {
          [context.strokeStyle, context.lineWidth] = [colour, thick * sharp];
          context.beginPath();
          context.moveTo(at[0], 0); context.lineTo(at[0], canvas.height);
          context.moveTo(0, at[1]); context.lineTo(canvas.width, at[1]);
          context.stroke();
        }
      }
      const where = point.length ? `at ${Math.round(point[0])}, ${Math.round(point[1])}` : "not told yet";
      canvas.setAttribute("aria-label", `${question} Picture ${number}, ${where}. Arrow keys move a cursor, Enter sets it, Delete clears.`);
    };
    const within = (one, size) => Math.min(Math.max(Math.round(one * 10) / 10, 0), size - 1);
    const hand = event => {
      const box = canvas.getBoundingClientRect();
      [cursor, held] = [null, [within((event.clientX - box.left) / box.width * width - 0.5, width),
        within((event.clientY - box.top) / box.height * height - 0.5, height)]];
      paint();
    };
    const drop = () => {  // the kernel hears of a point once, however far it was dragged
      const point = held;
      held = null;
      if (point) tell(number, point);
    };
    canvas.onpointerdown = event => { canvas.setPointerCapture(event.pointerId); hand(event); };
    canvas.onpointermove = event => { if (event.buttons) hand(event); };
    canvas.onpointerup = canvas.onpointercancel = drop;
    canvas.onfocus = canvas.onblur = paint;
    canvas.onkeydown = event => {
      const step = (event.shiftKey ? 1 : 8) * Math.max(1, Math.round(1 / scale));
      const move = (dx, dy) => {
        const from = cursor || (points()[number].length ? points()[number] : [(width - 1) / 2, (height - 1) / 2]);
        cursor = [within(from[0] + dx * step, width), within(from[1] + dy * step, height)];
        paint();
      };
      const keys = {
        ArrowLeft: () => move(-1, 0), ArrowRight: () => move(1, 0), ArrowUp: () => move(0, -1), ArrowDown: () => move(0, 1),
        Enter: () => { if (!cursor) move(0, 0); tell(number, cursor); },
        Delete: () => tell(number, []), Backspace: () => tell(number, []),
      };
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();  // or the notebook takes the key for a command of its own
      keys[event.key]();
    };
    const address = URL.createObjectURL(new Blob([model.get("_pictures")[number]], { type: "image/jpeg" }));
    image.onload = paint;
    image.src = address;
    return { canvas, paint, address };
  });

  const follow = () => {
    const done = points().filter(point => point.length).length;
    told.textContent = spoken.textContent = `${done} of ${sizes.length}`;
    again.disabled = !done;
    for (const board of boards) board.paint();
  };
  again.onclick = () => {
    model.set("_points", sizes.map(() => []));
    model.save_changes();
  };
  el.append(make("div", { className: "camlib-clicks" },
    make("div", { className: "bar" }, make("b", {}, question), told, again),
    make("div", { className: "board" }, ...boards.map(board => board.canvas)),
    make("p", { className: "help" }, "Click once in each picture; drag to correct. Keys: Tab goes to the next picture, arrows "
      + "move a cursor (with Shift finely), Enter sets the point, Delete clears it."), spoken));
  model.on("change:_points", follow);
  follow();
  return () => {
    model.off("change:_points", follow);
    for (const board of boards) URL.revokeObjectURL(board.address);
  };
}

export default { render };
