// The front end of camlib.Player, for anywidget: a clip with points over it, and curves of their errors.
// All frames lie on one sheet; to show one is to copy a part of it. The kernel hears of a frame only at rest.

const WIDE = 420;  // the picture's width on the page, in CSS pixels
const HIGH = 110, LEFT = 34, UNDER = 18;  // the curves' canvas and its margins
const SPEEDS = [["slow", 0.5], ["normal", 1], ["fast", 2]];

function make(tag, props = {}, ...children) {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
}

function sign(context, x, y, track, size) {  // one track's mark; white around it, so it is seen anywhere
  context.beginPath();
  if (track.mark === "o") context.arc(x, y, size, 0, 7);
  else if (track.mark === "s") context.rect(x - size, y - size, 2 * size, 2 * size);
  else for (const [dx, dy] of [[0, -1], [1, 0], [0, 1], [-1, 0]]) context.lineTo(x + 1.25 * size * dx, y + 1.25 * size * dy);
  context.closePath();
  [context.fillStyle, context.strokeStyle, context.lineWidth] = [track.colour, "white", 1.5];
  context.fill();
  context.stroke();
}

function ring(context, x, y, size) {
  for (const [colour, thick] of [["black", size / 1.6], ["#ffd400", size / 3.5]]) {
    context.beginPath();
    context.arc(x, y, size, 0, 7);
    [context.strokeStyle, context.lineWidth] = [colour, thick];
    context.stroke();
  }
}

function render({ model, el }) {
  const [height, width, count, columns] = model.get("_size");
  const [tracks, truth] = [model.get("_tracks"), model.get("_truth")];
  const [sheet, sharp] = [new Image(), window.devicePixelRatio || 1];
  const scale = WIDE / width * sharp;
  const canvas = make("canvas", { className: "film", width: WIDE * sharp, height: Math.round(height * scale) });
  const curve = make("canvas", { className: "curve", width: WIDE * sharp, height: HIGH * sharp });
  const play = make("button", { type: "button", textContent: "▶ play" });
  const slider = make("input", { type: "range", min: 0, max: count - 1, step: 1 });
  const speed = make("select", {}, ...SPEEDS.map(([name, times]) => make("option", { value: times, selected: times === 1 }, name)));
  const [values, said, spoken] = [tracks.map(() => make("b")), make("span"), make("div", { className: "unseen" })];
  slider.setAttribute("aria-label", "frame");
  speed.setAttribute("aria-label", "speed");
  spoken.setAttribute("aria-live", "polite");
  canvas.setAttribute("role", "img");
  const swatch = draw => {
    const small = make("canvas", { width: 36, height: 36 });
    draw(small.getContext("2d"));
    return small;
  };
  const key = make("div", { className: "key" }, said);
  if (truth.length) key.append(make("span", {}, swatch(context => ring(context, 18, 18, 10)), "true"));
  tracks.forEach((track, k) => key.append(make("span", {}, swatch(context => sign(context, 18, 18, track, 1.3 * track.side)), track.name, values[k])));
  const root = make("div", { className: "camlib-player" }, canvas, make("div", { className: "bar" }, play, slider, speed), key);
  if (truth.length) root.append(curve);
  root.append(make("p", { className: "help" }, "Keys: Space plays and stops, ← and → go a frame, Home and End to the ends."
    + (truth.length ? " The curves: pixels off; grey: hidden." : "")), spoken);
  el.append(root);

  let [frame, timer] = [model.get("frame"), 0];
  const highest = Math.max(1, ...tracks.flatMap(track => track.errors.filter(error => error !== null)));
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find(one => highest / one <= 4) || 5000;
  const across = number => (LEFT + (number + 0.5) / count * (WIDE - LEFT)) * sharp;
  const up = error => (HIGH - UNDER - error / highest * (HIGH - UNDER - 10)) * sharp;

  function paint() {
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    if (sheet.complete && sheet.naturalWidth) {
      context.drawImage(sheet, frame % columns * width, Math.floor(frame / columns) * height, width, height,
        0, 0, canvas.width, canvas.height);
    }
    const at = ([x, y]) => [(x + 0.5) * scale, (y + 0.5) * scale];  // a pixel's centre is a whole number
    for (const point of truth[frame] || []) ring(context, ...at(point), 9 * sharp);
    for (const track of tracks) {  // smaller marks lie on larger ones
      if (track.points[frame][0] !== null && track.points[frame][1] !== null) sign(context, ...at(track.points[frame]), track, track.side * sharp);
    }
    said.textContent = `frame ${frame}`;
    tracks.forEach((track, k) => {
      const error = track.errors[frame];
      values[k].textContent = truth.length ? (error === null ? "–" : error.toFixed(1)) : "";
    });
    const words = tracks.map((track, k) => `${track.name}${values[k].textContent ? ` ${values[k].textContent} pixels off` : ""}`);
    canvas.setAttribute("aria-label", `frame ${frame} of ${count}: ${words.join(", ")}`);
    slider.value = frame;
    if (truth.length) curves();
  }
  function curves() {
    const [context, style] = [curve.getContext("2d"), getComputedStyle(root)];
    context.clearRect(0, 0, curve.width, curve.height);
    [context.fillStyle, context.font] = ["rgba(128, 128, 128, 0.3)", `${11 * sharp}px ${style.fontFamily}`];
    truth.forEach((points, number) => {
      if (!points.length) context.fillRect(across(number - 0.5), 0, across(1) - across(0), up(0));
    });
    [context.fillStyle, context.strokeStyle, context.lineWidth] = [style.color, "rgba(128, 128, 128, 0.5)", sharp];
    [context.textAlign, context.textBaseline] = ["right", "middle"];
    for (let error = 0; error <= highest; error += step) {
      context.fillText(error, (LEFT - 5) * sharp, up(error));
      context.beginPath();
      context.moveTo(LEFT * sharp, up(error));
      context.lineTo(curve.width, up(error));
      context.stroke();
    }
    [context.textAlign, context.textBaseline] = ["center", "bottom"];
    for (let number = 0; number < count; number += count > 40 ? 10 : 5) context.fillText(number, across(number), curve.height);
    for (const track of tracks) {
      // a third of the text's colour: lighter on a dark page, darker on a light one
      [context.strokeStyle, context.lineWidth] = [`color-mix(in srgb, ${track.colour} 65%, ${style.color})`, 2 * sharp];
      context.beginPath();
      track.errors.forEach((error, number) => {
        const joined = number && track.errors[number - 1] !== null;
        if (error !== null) context[joined ? "lineTo" : "moveTo"](across(number), up(error));
      });
      context.stroke();
    }
    [context.strokeStyle, context.lineWidth] = [style.color, 1.5 * sharp];
    context.beginPath();
    context.moveTo(across(frame), 0);
    context.lineTo(across(frame), up(0));
    context.stroke();
  }
  const rest = () => {  // tell the kernel, and who listens
    spoken.textContent = canvas.getAttribute("aria-label");
    if (model.get("frame") === frame) return;
    model.set("frame", frame);
    model.save_changes();
  };
  const show = number => {
    frame = Math.min(Math.max(number, 0), count - 1);
    paint();
  };
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶ play";
    rest();
  };
  const start = () => {
    clearInterval(timer);
    if (frame === count - 1) show(0);
    timer = setInterval(() => (frame === count - 1 ? stop() : show(frame + 1)), 1000 / (model.get("_rate") * speed.value));
    play.textContent = "❚❚ stop";
  };
  const go = number => { if (timer) stop(); show(number); rest(); };
  play.onclick = () => (timer ? stop() : start());
  speed.onchange = () => { if (timer) start(); };
  slider.oninput = () => { if (timer) stop(); show(Number(slider.value)); };
  slider.onchange = rest;
  const point = event => {
    const box = curve.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * WIDE;
    go(Math.floor((x - LEFT) / (WIDE - LEFT) * count));
  };
  curve.onpointerdown = event => { curve.setPointerCapture(event.pointerId); point(event); };
  curve.onpointermove = event => { if (event.buttons) point(event); };
  root.onkeydown = event => {
    const keys = { ArrowLeft: () => go(frame - 1), ArrowRight: () => go(frame + 1), Home: () => go(0), End: () => go(count - 1),
      " ": () => play.onclick() };
    if (event.key === " " && event.target === play) { event.stopPropagation(); return; }  // a button's own key
    if (!keys[event.key] || event.target === speed || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();  // or the notebook takes the key for a command of its own
    keys[event.key]();
  };

  // ---- what changes from outside
  const follow = () => { if (!timer && model.get("frame") !== frame) show(model.get("frame")); };
  const address = URL.createObjectURL(new Blob([model.get("_sheet")], { type: "image/jpeg" }));
  sheet.onload = paint;
  sheet.src = address;
  model.on("change:frame", follow);
  paint();
  return () => {
    clearInterval(timer);
    model.off("change:frame", follow);
    URL.revokeObjectURL(address);
  };
}

export default { render };
