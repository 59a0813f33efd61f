// What is looked at: a scene, a picture of one's own, the camera, a drawn clip; and the lines at the page's foot.

const FRAME = 125;  // milliseconds of the clip's

const CAMERA = {  // what browsers call it, and what it means
  NotAllowedError: "The browser does not let this page use the camera; its settings for this page can change that.",
  NotFoundError: "The browser finds no camera on this device.",
  NotReadableError: "The camera does not answer; another program may be using it.",
};

const small = make("canvas", { width: 128, height: 128 });
const brush = small.getContext("2d", { willReadFrequently: true });

function look(source, x, y, wide, high) {  // the middle square of a source, as the network sees it
  const side = Math.min(wide, high), { size, spec } = state.net, area = size * size, grey = spec.mean.length === 1;
  if (small.width !== size) small.width = small.height = size;
  brush.imageSmoothingQuality = "high";
  brush.drawImage(source, x + (wide - side) / 2, y + (high - side) / 2, side, side, 0, 0, size, size);
  const { data } = brush.getImageData(0, 0, size, size), out = new Float32Array(spec.mean.length * area);
  if (grey) for (let n = 0; n < area; n++) out[n] = (0.299 * data[4 * n] + 0.587 * data[4 * n + 1] + 0.114 * data[4 * n + 2]) / 255;
  else for (let n = 0; n < area; n++) for (let c = 0; c < 3; c++) out[c * area + n] = data[4 * n + c] / 255;
  state.pixels = out;
}

const corner = n => [(n % SCENES.across) * SCENES.size, Math.floor(n / SCENES.across) * SCENES.size];

function showScene(n) {
  stopMoving();
  Object.assign(state, { scene: n, frame: null, name: SCENES.labels[n].map(label => SCENES.classes[label]).join(" and ") });
  see(() => look(sheet, ...corner(n), SCENES.size, SCENES.size), n);
}

function see(again, scene = -1) {  // again: looks at it, with whatever network there is then
  state.again = again;
  again();
  const strip = $("strip"), chosen = strip.children[scene];
  pressed(strip, scene);
  if (chosen) strip.scrollLeft = chosen.offsetLeft - (strip.clientWidth - chosen.offsetWidth) / 2;
  tilesOf(strip).forEach((one, n) => { one.tabIndex = n === Math.max(scene, 0) ? 0 : -1; });
  ask();
}

// A picture of one's own, or the two files of a network of one's own
function take(files) {
  const own = [...files].filter(ownFile);
  return own.length ? takeOwn(own) : showFile([...files][0]);
}

// The course's networks know nothing of the world; one that does can be had
function advise() {
  const [name] = Object.keys(SCENES.aside);
  if (!name || state.net.spec.photographs || $("network").value.startsWith("own ")) return;
  const button = make("button", { type: "button" }, nets[name] ? `ask ${name}` : `load ${name}, ${SCENES.aside[name]} MB`);
  button.onclick = () => { hush(); choose(name); };
  tell(`${state.net.name} knows nine drawn critters. For photographs: `, 12000, button);
}

async function showFile(file) {
  if (!file) return;
  try {
    const picture = await createImageBitmap(file);
    stopMoving();
    Object.assign(state, { scene: null, frame: null, name: "your picture" });
    see(() => look(picture, 0, 0, picture.width, picture.height));
    advise();
  } catch {
    fail(`${file.name || "This"} is no picture that the browser can read.`);
  }
}

async function toggleCamera() {
  if ($("camera").ariaPressed === "true") return showScene(0);
  if (!navigator.mediaDevices) return fail("Browsers give a camera only to pages that come over https, or from a disk.");
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    const video = Object.assign(make("video"), { srcObject: stream, muted: true, playsInline: true });
    await video.play();
    stopMoving();
    Object.assign(state, { video, scene: null, frame: null, name: "the camera" });
    see(() => look(video, 0, 0, video.videoWidth, video.videoHeight));
    $("camera").setAttribute("aria-pressed", true);
    advise();
  } catch (error) {
    fail(CAMERA[error.name] || `The camera cannot be had: ${error.message}.`);
  }
}

// The clip: what moves, cut out, laid over the land, which is the sheet's first cell
function toggleClip() {
  if ($("clip").ariaPressed === "true") return stopMoving();  // the frame stays
  stopMoving();
  const { boxes, label } = SCENES.clip, page = make("canvas", { width: SCENES.size, height: SCENES.size }), context = page.getContext("2d");
  const lay = (n, x, y, wide, high) => context.drawImage(clip, corner(n)[0] + x, corner(n)[1] + y, wide, high, x, y, wide, high);
  const first = state.frame ?? 0, begins = performance.now();
  const video = {};
  Object.assign(state, { video, scene: null, frame: null, name: `${SCENES.classes[label]}, on a walk` });
  $("clip").setAttribute("aria-pressed", true);
  let network;
  see(() => {
    const on = state.video === video ? Math.floor((performance.now() - begins) / FRAME) : state.frame - first, frame = (first + on) % boxes.length;
    if (frame === state.frame && network === state.net) return;
    [state.frame, network] = [frame, state.net];
    lay(0, 0, 0, SCENES.size, SCENES.size);
    lay(1 + frame, ...boxes[frame]);
    look(page, 0, 0, SCENES.size, SCENES.size);
  });
}

function stopMoving() {  // camera or clip
  for (const track of state.video?.srcObject?.getTracks() || []) track.stop();
  state.video = null;
  for (const name of ["camera", "clip"]) $(name).setAttribute("aria-pressed", false);
}

// Of what is drawn, and so known: its labels, or nothing
const drawn = () => (state.frame !== null ? [SCENES.clip.label] : state.scene !== null ? SCENES.labels[state.scene] : null);

let fading;
function tell(words, milliseconds, ...more) {  // a line at the page's foot; of 0 milliseconds it stays until `hush`
  $("told").replaceChildren(...words.split("`").map((one, n) => (n % 2 ? make("code", {}, one) : one)), ...more);
  $("told").hidden = false;
  $("told").classList.remove("failed", "busy");
  clearTimeout(fading);
  if (milliseconds) fading = setTimeout(hush, milliseconds);
}
const hush = () => { $("told").hidden = true; };
function fail(words) {
  tell(words, 8000);
  $("told").classList.add("failed");
}
